import {
  Badge,
  Button,
  Buttons,
  Card,
  CardList,
  dateText,
  ErrorNotice,
  focusFirstError,
  Loaded,
  type MedicationRequest,
  Notice,
  resourcesOf,
  Section,
  TextField,
  useLanguage,
  useRefresh,
  useSearch,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Cards, type Settled } from '../cds/cards.tsx';
import { useCds } from '../cds/use-hook.ts';
import type { CdsCard, CdsSuggestion, HookAnswer } from '../model/cds.ts';
import { medicinesOf } from '../model/lists.ts';
import { codeText } from '../model/medicine-search.ts';
import { draftOrder, type OrderForm, orderProblems, signed } from '../model/order.ts';
import { useText } from '../text.ts';
import { toneOf, useStatusText } from '../work/status.tsx';
import { MedicineField } from './medicine-field.tsx';

const EMPTY: OrderForm = { medicine: '', dosage: '' };

/**
 * Orders a medicine: it is kept as a draft (hook order-select), and signed when every urgent card is answered
 * (hook order-sign).
 */
export default function Orders({
  id,
  encounter,
}: {
  readonly id: string;
  readonly encounter: string | undefined;
}): ReactNode {
  return (
    <>
      <NewOrder id={id} encounter={encounter} />
      <Recent id={id} />
    </>
  );
}

function NewOrder({
  id,
  encounter,
}: {
  readonly id: string;
  readonly encounter: string | undefined;
}): ReactNode {
  const say = useText();
  const tell = useTell();
  const cds = useCds();
  const refresh = useRefresh();
  const { fhir, user } = useSession();
  const [form, setForm] = useState(EMPTY);
  const [isChecked, setChecked] = useState(false);
  const [draft, setDraft] = useState<MedicationRequest>();
  const [answer, setAnswer] = useState<HookAnswer>();
  const [isAnswerToSign, setAnswerToSign] = useState(false);
  const [settled, setSettled] = useState<ReadonlySet<CdsCard>>(new Set());
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const fields = useRef<HTMLFormElement>(null);
  const summary = useRef<HTMLParagraphElement>(null);
  const hadDraft = useRef(false);
  const draftId = draft?.id;
  // What was pressed is gone with the form, or with the draft.
  useEffect(() => {
    if (draftId !== undefined) summary.current?.focus();
    else if (hadDraft.current) fields.current?.querySelector('input')?.focus();
    hadDraft.current = draftId !== undefined;
  }, [draftId]);
  const missing = isChecked ? orderProblems(form) : [];

  const reset = () => {
    setForm(EMPTY);
    setChecked(false);
    setDraft(undefined);
    setAnswer(undefined);
    setAnswerToSign(false);
    setSettled(new Set());
  };
  const within = async (work: () => Promise<void>) => {
    setPending(true);
    setError(undefined);
    try {
      await work();
    } catch (problem) {
      setError(problem);
    } finally {
      setPending(false);
    }
  };
  const ask = async (
    hook: 'order-select' | 'order-sign',
    order: MedicationRequest,
  ): Promise<HookAnswer | undefined> => {
    const found = await cds.ask(hook, { patientId: id, encounterId: encounter, draftOrders: [order] });
    setAnswer(found);
    setSettled(new Set());
    setAnswerToSign(hook === 'order-sign');
    return found;
  };
  const prepare = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setChecked(true);
    if (orderProblems(form).length > 0) return focusFirstError(event.currentTarget);
    void within(async () => {
      const order = await fhir.create(draftOrder(form, id, encounter, user));
      setDraft(order);
      await refresh('MedicationRequest');
      await ask('order-select', order);
    });
  };
  const write = async (order: MedicationRequest) => {
    await fhir.update(signed(order, new Date()));
    await refresh('MedicationRequest');
    tell(say('orderSigned'));
    reset();
  };
  const sign = () =>
    within(async () => {
      if (draft === undefined) return;
      if (isAnswerToSign && answer !== undefined) return await write(draft);
      const found = await ask('order-sign', draft);
      // Where nobody objects, or nobody is there to ask, the order is signed at once.
      if (found === undefined || found.cards.length === 0) await write(draft);
      // The button may be disabled now; what is to be answered comes next.
      else summary.current?.focus();
    });
  const discard = () =>
    within(async () => {
      if (draft !== undefined) await fhir.remove(`MedicationRequest/${draft.id}`);
      await refresh('MedicationRequest');
      reset();
    });
  const onSettled = (card: CdsCard, _how: Settled, suggestion?: CdsSuggestion) => {
    const isGone = suggestion?.actions?.some(
      ({ type, resourceId }) => type === 'delete' && resourceId === `MedicationRequest/${draft?.id}`,
    );
    if (isGone === true) {
      reset();
      return;
    }
    setSettled((all) => new Set([...all, card]));
    const changed = suggestion?.actions?.find(
      ({ type, resource }) => type === 'update' && resource?.id === draft?.id,
    );
    if (changed !== undefined && draft !== undefined)
      // Its version is another one now.
      void within(async () => setDraft(await fhir.read<MedicationRequest>(`MedicationRequest/${draft.id}`)));
  };
  const unanswered = (answer?.cards ?? []).filter(
    (card) =>
      card.indicator === 'critical' &&
      ![...settled].some(({ uuid, summary }) => uuid === card.uuid && summary === card.summary),
  );
  return (
    <Section title={say('newOrder')}>
      {draft === undefined ? (
        <form onSubmit={prepare} noValidate ref={fields}>
          <MedicineField
            patient={id}
            text={form.medicine}
            coding={form.coding}
            onChange={(medicine, coding) => setForm({ ...form, medicine, coding })}
            error={missing.includes('medicine') ? say('fillIn') : undefined}
          />
          <TextField
            label={say('dosage')}
            value={form.dosage}
            onChange={(dosage) => setForm({ ...form, dosage })}
            isRequired
            error={missing.includes('dosage') ? say('fillIn') : undefined}
          />
          <Button type="submit" isPending={isPending}>
            {say('prepareOrder')}
          </Button>
        </form>
      ) : (
        <>
          <p ref={summary} tabIndex={-1}>
            <strong dir="auto">{form.medicine}</strong>
            {form.coding === undefined ? '' : <bdi> ({codeText(form.coding)})</bdi>},{' '}
            <span dir="auto">{form.dosage}</span> <Badge>{say('stDraft')}</Badge>
          </p>
          {answer === undefined ? null : <Cards answer={answer} onSettled={onSettled} />}
          {isAnswerToSign && unanswered.length > 0 ? (
            <Notice tone="warn" isLive>
              {say('answerFirst')}
            </Notice>
          ) : null}
          <Buttons>
            <Button
              onPress={() => void sign()}
              isPending={isPending}
              isDisabled={isAnswerToSign && unanswered.length > 0}
            >
              {say(isAnswerToSign ? 'signAnyway' : 'sign')}
            </Button>
            <Button look="second" onPress={() => void discard()}>
              {say('discard')}
            </Button>
          </Buttons>
        </>
      )}
      {error === undefined ? null : <ErrorNotice error={error} />}
    </Section>
  );
}

/** The latest orders, as they stand at the server. */
function Recent({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const status = useStatusText();
  const { language } = useLanguage();
  const query = useSearch('MedicationRequest', {
    patient: id,
    _sort: '-_lastUpdated',
    _count: 10,
    _include: 'MedicationRequest:medication',
  });
  return (
    <Section title={say('recentOrders')}>
      <Loaded query={query} isEmpty={(data) => resourcesOf(data).length === 0} empty={say('noMedicines')}>
        {(data) => (
          <CardList label={say('recentOrders')}>
            {medicinesOf(data).map((item) => (
              <Card
                key={item.id}
                title={item.title}
                aside={
                  <>
                    {dateText(item.date, language, false)}{' '}
                    <Badge tone={toneOf(item.status)}>{status(item.status)}</Badge>
                  </>
                }
              >
                {item.detail === '' ? null : <p dir="auto">{item.detail}</p>}
              </Card>
            ))}
          </CardList>
        )}
      </Loaded>
    </Section>
  );
}
