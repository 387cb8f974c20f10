import {
  Button,
  type Communication,
  dateText,
  ErrorNotice,
  type FhirRequestError,
  Notice,
  Page,
  type Parameters,
  resourcesOf,
  TextField,
  useChange,
  useLanguage,
  useOnline,
  useSearch,
  useSession,
} from '@vesta/app-kit';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { textsOf, useSenderName } from '../messages/message-card.tsx';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import {
  CONVERSATION,
  conversationOf,
  inOrder,
  lastConversation,
  messageOf,
  optionsOf,
  rememberConversation,
} from './conversation.ts';

/** How often answers of people are looked for while the page is seen, in milliseconds. */
const POLL = 3000;

/** A conversation with the assistant, and with people through it. */
export default function ChatPage(): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const session = useSession();
  const online = useOnline();
  const patient = usePatientReference() as string;
  const [conversation, setConversation] = useState(
    () => new URLSearchParams(location.search).get('conversation') ?? lastConversation(),
  );
  const [fresh, setFresh] = useState<readonly Communication[]>([]);
  const [text, setText] = useState('');
  const stored = useSearch<Communication>(
    'Communication',
    { identifier: `${CONVERSATION}|${conversation}`, _sort: 'sent', _count: 200 },
    { enabled: conversation !== undefined, refetchInterval: POLL },
  );
  const messages = inOrder([...fresh, ...resourcesOf<Communication>(stored.data)]);
  const last = messages.at(-1);
  const send = useChange(
    async (said: string) => {
      const message = messageOf(said, {
        patient,
        sender: session.user ?? patient,
        conversation,
        last,
        language,
      });
      return session.fhir.operation<Parameters>('Communication/$converse', [
        { name: 'message', resource: message },
        { name: 'language', valueCode: language },
      ]);
    },
    'Communication',
    'Appointment',
  );
  const submit = (said: string) => {
    if (said.trim() === '' || send.isPending) return;
    send.mutate(said.trim(), {
      onSuccess: (answer) => {
        const made = (answer.parameter ?? []).flatMap(({ resource }) =>
          resource?.resourceType === 'Communication' ? [resource as Communication] : [],
        );
        const named = made.map(conversationOf).find((one) => one !== undefined);
        rememberConversation(named);
        setConversation(named);
        setFresh((before) => [...before, ...made]);
        setText('');
      },
    });
  };
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [messages.length, send.isPending]);
  const restart = () => {
    rememberConversation(undefined);
    setConversation(undefined);
    setFresh([]);
    send.reset();
  };
  return (
    <Page
      title={say('chat')}
      actions={
        <>
          <Button
            look="second"
            isDisabled={!online || send.isPending}
            onPress={() => submit(say('wantPerson'))}
          >
            {say('talkToPerson')}
          </Button>
          {messages.length === 0 ? null : (
            <Button look="second" onPress={restart}>
              {say('newConversation')}
            </Button>
          )}
        </>
      }
    >
      <p>{say('emergencyNote')}</p>
      {messages.length === 0 ? <p>{say('chatIntro')}</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <div className="chat" role="log" aria-label={say('chatLog')} tabIndex={0}>
        {messages.map((message) => (
          <Bubble key={message.id} message={message} />
        ))}
        {send.isPending ? (
          <>
            <div className="bubble own">
              <span className="from">{say('you')}</span>
              <p dir="auto">{send.variables}</p>
            </div>
            <p className="loading">
              <span className="spinner" aria-hidden="true" /> {say('thinking')}
            </p>
          </>
        ) : null}
        <div ref={end} />
      </div>
      {last === undefined || send.isPending ? null : <Options message={last} onChoose={submit} />}
      {send.error === null ? null : isMissing(send.error) ? (
        <Notice tone="warn" isLive>
          {say('chatMissing')}
        </Notice>
      ) : (
        <>
          <Notice tone="bad">{say('chatFailed')}</Notice>
          <ErrorNotice error={send.error} />
        </>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit(text);
        }}
      >
        <TextField label={say('chatMessage')} value={text} onChange={setText} isDisabled={!online} />
        <Button type="submit" isPending={send.isPending} isDisabled={!online}>
          {say('send')}
        </Button>
      </form>
    </Page>
  );
}

/** Whether the server knows no such operation: another vendor's, most likely. */
function isMissing(error: FhirRequestError): boolean {
  return error.status === 404 || error.status === 405 || error.status === 501 || isNotSupported(error);
}

const isNotSupported = ({ status, outcome }: FhirRequestError): boolean =>
  status === 400 && (outcome?.issue ?? []).some(({ code }) => code === 'not-supported');

function Bubble({ message }: { readonly message: Communication }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const nameOf = useSenderName();
  const name = nameOf(message);
  return (
    <div className={name === say('you') ? 'bubble own' : 'bubble'}>
      <span className="from">
        <bdi>{name}</bdi> · {dateText(message.sent ?? message.meta?.lastUpdated, language)}
      </span>
      {textsOf(message).map((text) => (
        <p key={text} dir="auto">
          {text}
        </p>
      ))}
    </div>
  );
}

/** What can be answered by one press. */
function Options({
  message,
  onChoose,
}: {
  readonly message: Communication;
  readonly onChoose: (value: string) => void;
}): ReactNode {
  const say = useText();
  const options = optionsOf(message);
  if (options.length === 0) return null;
  return (
    <ul className="times" aria-label={say('suggestions')}>
      {options.map(({ label, value }) => (
        <li key={`${label} ${value}`}>
          <Button look="second" onPress={() => onChoose(value)}>
            <bdi>{label}</bdi>
          </Button>
        </li>
      ))}
    </ul>
  );
}
