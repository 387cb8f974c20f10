import { Button, launchAddress, makeLaunch, useSession, useTell } from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { useParams } from 'wouter';
import type { CdsLink } from '../model/cds.ts';
import { useText } from '../text.ts';

/** Opens the app that a card links to, for the patient of the chart (CDS Hooks 2.0, Link). */
export function SmartLink({ link }: { readonly link: CdsLink }): ReactNode {
  const say = useText();
  const tell = useTell();
  const session = useSession();
  const { id: patient } = useParams<{ id?: string }>();
  const [isPending, setPending] = useState(false);
  const open = async () => {
    setPending(true);
    // Opened before anything is waited for: a browser blocks windows that no press has asked for.
    const opened = window.open('', '_blank');
    try {
      if (opened === null) return tell(say('windowBlocked', { app: link.label }), 'bad');
      const encounter = session.patient === patient ? session.encounter : undefined;
      const launch = await makeLaunch(session, { patient, encounter, appContext: link.appContext });
      opened.opener = null;
      opened.location.href = launchAddress(link.url, launch);
    } catch (error) {
      opened?.close();
      tell((error as Error).message, 'bad');
    } finally {
      setPending(false);
    }
  };
  return (
    <Button look="second" onPress={() => void open()} isPending={isPending}>
      {link.label} <span aria-hidden="true">↗</span>
    </Button>
  );
}
