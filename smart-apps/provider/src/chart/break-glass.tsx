import {
  Button,
  Dialog,
  dateText,
  type Parameters,
  RadioButtons,
  Select,
  TextField,
  useAsk,
  useErrorText,
  useLanguage,
  useOperation,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { useText } from '../text.ts';

/** Characters that the server asks of a reason at least. */
const LEAST_REASON = 10;
const MINUTES = ['30', '60', '120', '240'];

/** Opens a restricted record in an emergency, with a reason, for a time; everybody concerned is told by the server. */
export function BreakGlass({ patient }: { readonly patient: string }): ReactNode {
  const say = useText();
  const tell = useTell();
  const errorText = useErrorText();
  const { language } = useLanguage();
  const path = `Patient/${patient}/$break-glass`;
  // A server without it, or a role that may not: then there is nothing to offer.
  const open = useAsk<Parameters>(path, {}, { staleTime: 60_000 });
  const begin = useOperation();
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [purpose, setPurpose] = useState('ETREAT');
  const [minutes, setMinutes] = useState('60');
  if (open.data === undefined) return null;
  const until = (open.data.parameter ?? [])
    .flatMap(({ part }) => part ?? [])
    .find(({ name }) => name === 'period')?.valuePeriod?.end;
  const call = (name: string, parameter: Parameters['parameter'], message: string) =>
    begin.mutate(
      { path: name, parameter: parameter ?? [] },
      {
        onSuccess: () => {
          setAsking(false);
          setReason('');
          tell(message);
        },
        onError: (error) => tell(errorText(error), 'bad'),
      },
    );
  if (until !== undefined)
    return (
      <Button
        look="danger"
        isPending={begin.isPending}
        onPress={() => call(`${path}-end`, [], say('glassEnded'))}
      >
        {say('glassEnd', { until: dateText(until, language) })}
      </Button>
    );
  return (
    <>
      <Button look="danger" onPress={() => setAsking(true)}>
        {say('glass')}
      </Button>
      <Dialog title={say('glass')} isOpen={isAsking} onClose={() => setAsking(false)}>
        <p>{say('glassText')}</p>
        <TextField
          label={say('reason')}
          hint={say('reasonHint', { least: LEAST_REASON })}
          value={reason}
          onChange={setReason}
          rows={3}
          isRequired
        />
        <RadioButtons
          label={say('purpose')}
          value={purpose}
          onChange={setPurpose}
          options={[
            { value: 'ETREAT', label: say('purposeTreatment') },
            { value: 'BTG', label: say('purposeOther') },
          ]}
        />
        <Select
          label={say('duration')}
          value={minutes}
          onChange={setMinutes}
          options={MINUTES.map((value) => ({ value, label: say('minutes', { number: value }) }))}
        />
        <Button
          look="danger"
          isDisabled={reason.trim().length < LEAST_REASON}
          isPending={begin.isPending}
          onPress={() =>
            call(
              path,
              [
                { name: 'reason', valueString: reason.trim() },
                { name: 'purpose', valueCode: purpose },
                { name: 'minutes', valuePositiveInt: Number(minutes) },
              ],
              say('glassOpen'),
            )
          }
        >
          {say('glassDo')}
        </Button>
      </Dialog>
    </>
  );
}
