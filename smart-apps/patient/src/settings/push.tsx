import {
  Checkbox,
  type FhirApi,
  type Parameters,
  useAsk,
  useOnline,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useEffect, useState } from 'react';
import { useText } from '../text.ts';

/** Notices of messages on this device (Push API), where the server sends them and the browser can show them. */
export function PushChoice(): ReactNode {
  const { user } = useSession();
  const isAble = 'PushManager' in window && 'Notification' in window && user !== undefined;
  return isAble ? <Choice person={user} /> : null;
}

function Choice({ person }: { readonly person: string }): ReactNode {
  const say = useText();
  const tell = useTell();
  const online = useOnline();
  const { fhir } = useSession();
  const [isOn, setOn] = useState(false);
  const [isPending, setPending] = useState(false);
  const type = person.split('/')[0] as string;
  const answer = useAsk<Parameters>(`${type}/$push-key`, {}, { staleTime: 3_600_000 });
  const key = answer.data?.parameter?.find(({ name }) => name === 'key')?.valueString;
  useEffect(() => {
    // A frame of another site may ask for none.
    void currentSubscription()
      .catch(() => undefined)
      .then((subscription) => setOn(subscription !== null && subscription !== undefined));
  }, []);
  // A server that sends none has no key to tell.
  if (key === undefined) return null;
  const change = async (wanted: boolean) => {
    setPending(true);
    try {
      if (!wanted) await unsubscribe(fhir, person);
      else if ((await Notification.requestPermission()) === 'granted') await subscribe(fhir, person, key);
      else return tell(say('pushDenied'), 'warn');
      setOn(wanted);
    } catch {
      tell(say('pushFailed'), 'bad');
    } finally {
      setPending(false);
    }
  };
  return (
    <>
      <Checkbox
        label={say('pushOn')}
        isSelected={isOn}
        isDisabled={!online || isPending}
        onChange={(wanted) => void change(wanted)}
      />
      <p>{say('pushText')}</p>
    </>
  );
}

async function currentSubscription(): Promise<PushSubscription | null | undefined> {
  return (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription();
}

async function subscribe(fhir: FhirApi, person: string, key: string): Promise<void> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = made.toJSON();
  try {
    await fhir.operation(`${person}/$push-subscribe`, [
      { name: 'endpoint', valueString: endpoint ?? '' },
      { name: 'p256dh', valueString: keys?.['p256dh'] ?? '' },
      { name: 'auth', valueString: keys?.['auth'] ?? '' },
    ]);
  } catch (error) {
    await made.unsubscribe();
    throw error;
  }
}

async function unsubscribe(fhir: FhirApi, person: string): Promise<void> {
  const subscription = await currentSubscription();
  if (subscription === null || subscription === undefined) return;
  await fhir.operation(`${person}/$push-unsubscribe`, [
    { name: 'endpoint', valueString: subscription.endpoint },
  ]);
  await subscription.unsubscribe();
}
