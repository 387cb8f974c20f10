import {
  Badge,
  Button,
  Card,
  CardList,
  Dialog,
  Link,
  Notice,
  Select,
  TextField,
  type Tone,
  useErrorText,
  useRefresh,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import {
  acceptedFeedback,
  type CdsCard,
  type CdsServiceReport,
  type CdsSuggestion,
  type HookAnswer,
  overriddenFeedback,
  suggestionBundle,
} from '../model/cds.ts';
import { type TextName, useText } from '../text.ts';
import { Detail } from './detail.tsx';
import { SmartLink } from './smart-link.tsx';
import { useCds } from './use-hook.ts';

const TONES: Readonly<Record<CdsCard['indicator'], Tone>> = {
  info: 'info',
  warning: 'warn',
  critical: 'bad',
};

/** What became of a card. */
export type Settled = 'accepted' | 'overridden';

export interface CardsProps {
  readonly answer: HookAnswer;
  /** Told after a suggestion was carried out, with what it has deleted, or a card was overridden. */
  readonly onSettled?: (card: CdsCard, how: Settled, suggestion?: CdsSuggestion) => void;
  /** Asks all services again, where some have not answered. */
  readonly onRetry?: () => void;
}

/** The cards of an answer, by urgency, and which services have not answered. */
export function Cards({ answer, onSettled, onRetry }: CardsProps): ReactNode {
  const say = useText();
  const silent = answer.services.filter(({ status }) => status === 'unavailable');
  return (
    <>
      {answer.cards.length === 0 ? null : (
        <CardList label={say('guidance')}>
          {answer.cards.map((card, at) => (
            <CardItem key={card.uuid ?? at} card={card} {...(onSettled === undefined ? {} : { onSettled })} />
          ))}
        </CardList>
      )}
      {silent.length === 0 ? null : <Silent services={silent} onRetry={onRetry} />}
    </>
  );
}

const REASONS: Readonly<Record<string, TextName>> = {
  'time-limit': 'cdsTimeLimit',
  'missing-data': 'cdsMissingData',
  'circuit-open': 'cdsCircuitOpen',
  failure: 'cdsFailure',
};

function Silent({
  services,
  onRetry,
}: {
  readonly services: readonly CdsServiceReport[];
  readonly onRetry: (() => void) | undefined;
}): ReactNode {
  const say = useText();
  return (
    <Notice tone="warn">
      <p>{say('cdsUnavailable')}</p>
      <ul className="plain-list">
        {services.map(({ id, title, reason }) => {
          const name = REASONS[reason ?? ''];
          return (
            <li key={id}>
              <bdi>{title}</bdi>
              {name === undefined ? '' : `: ${say(name)}`}
            </li>
          );
        })}
      </ul>
      {onRetry === undefined ? null : (
        <Button look="second" onPress={onRetry}>
          {say('askAgain')}
        </Button>
      )}
    </Notice>
  );
}

function CardItem({
  card,
  onSettled,
}: { readonly card: CdsCard } & Pick<CardsProps, 'onSettled'>): ReactNode {
  const say = useText();
  const tell = useTell();
  const errorText = useErrorText();
  const cds = useCds();
  const { fhir } = useSession();
  const refresh = useRefresh();
  const [taken, setTaken] = useState<ReadonlySet<CdsSuggestion>>(new Set());
  const [isOverridden, setOverridden] = useState(false);
  const [isPending, setPending] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const suggestions = card.suggestions ?? [];
  const isSettled = isOverridden || (taken.size > 0 && card.selectionBehavior !== 'any');

  const take = async (suggestion: CdsSuggestion) => {
    setPending(true);
    try {
      const bundle = suggestionBundle(suggestion);
      if (bundle?.entry !== undefined) await fhir.transaction(bundle.entry);
      setTaken(new Set([...taken, suggestion]));
      // Without an id the service could not tell which one it was.
      if (suggestion.uuid !== undefined) cds.tell(card, acceptedFeedback(card, [suggestion], new Date()));
      tell(say('suggestionTaken', { name: suggestion.label }));
      onSettled?.(card, 'accepted', suggestion);
      await refresh();
    } catch (error) {
      tell(errorText(error), 'bad');
    } finally {
      setPending(false);
    }
  };
  const links = (card.links ?? []).filter(({ url }) => /^https?:/.test(url));
  return (
    <Card
      level={3}
      title={card.summary}
      aside={<Badge tone={TONES[card.indicator]}>{say(`cds_${card.indicator}`)}</Badge>}
      actions={
        <>
          {suggestions.map((suggestion, at) => (
            <Button
              key={suggestion.uuid ?? at}
              look={suggestion.isRecommended === true || suggestions.length === 1 ? 'main' : 'second'}
              isDisabled={isSettled || taken.has(suggestion)}
              isPending={isPending}
              onPress={() => void take(suggestion)}
            >
              {suggestion.label}
            </Button>
          ))}
          <Button look="second" isDisabled={isSettled} onPress={() => setAsking(true)}>
            {say('cdsOverride')}
          </Button>
        </>
      }
    >
      {card.detail === undefined ? null : <Detail markdown={card.detail} />}
      <p className="when">
        {say('source')}:{' '}
        {card.source.url !== undefined && /^https?:/.test(card.source.url) ? (
          <Link href={card.source.url} external>
            {card.source.label}
          </Link>
        ) : (
          <bdi>{card.source.label}</bdi>
        )}
      </p>
      {links.map((link) => (
        <p key={link.url}>
          {link.type === 'smart' ? (
            <SmartLink link={link} />
          ) : (
            <Link href={link.url} external>
              {link.label}
            </Link>
          )}
        </p>
      ))}
      {isOverridden ? <p role="status">{say('cdsOverridden')}</p> : null}
      {[...taken].map((suggestion) => (
        <p key={suggestion.uuid ?? suggestion.label} role="status">
          ✓ {suggestion.label}
        </p>
      ))}
      <Override
        card={card}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onOverride={(feedback) => {
          cds.tell(card, feedback);
          setOverridden(true);
          setAsking(false);
          onSettled?.(card, 'overridden');
        }}
      />
    </Card>
  );
}

/** Asks why guidance is not followed: a reason that the card offers, or a comment. */
function Override({
  card,
  isOpen,
  onClose,
  onOverride,
}: {
  readonly card: CdsCard;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onOverride: (feedback: object) => void;
}): ReactNode {
  const say = useText();
  const [code, setCode] = useState('');
  const [comment, setComment] = useState('');
  const reasons = card.overrideReasons ?? [];
  const reason = reasons.find((one) => one.code === code);
  return (
    <Dialog title={say('cdsOverride')} isOpen={isOpen} onClose={onClose}>
      <p dir="auto">{card.summary}</p>
      {reasons.length === 0 ? null : (
        <Select
          label={say('reason')}
          value={code}
          onChange={setCode}
          options={reasons.map((one) => ({ value: one.code ?? '', label: one.display ?? one.code ?? '' }))}
        />
      )}
      <TextField label={say('comment')} value={comment} onChange={setComment} rows={3} />
      <Button
        isDisabled={reason === undefined && comment.trim() === ''}
        onPress={() => onOverride(overriddenFeedback(card, reason, comment, new Date()))}
      >
        {say('cdsOverride')}
      </Button>
    </Dialog>
  );
}
