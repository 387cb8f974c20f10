import {
  type Attachment,
  Button,
  Card,
  CardList,
  conceptText,
  type DocumentReference,
  dateText,
  type FhirApi,
  Loaded,
  resourcesOf,
  useLanguage,
  useOnline,
  useOwnText,
  useSearchAll,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';

export function Documents(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const { language } = useLanguage();
  const query = useSearchAll<DocumentReference>('DocumentReference', {
    patient: usePatientReference(),
    _sort: '-date',
  });
  return (
    <Loaded query={query} isEmpty={(bundle) => resourcesOf(bundle).length === 0} empty={say('noDocuments')}>
      {(bundle) => (
        <CardList>
          {resourcesOf<DocumentReference>(bundle)
            .filter(({ status }) => status !== 'entered-in-error')
            .map((document) => {
              const title = document.description ?? conceptText(document.type) ?? own('unknown');
              return (
                <Card
                  level={2}
                  key={document.id}
                  title={title}
                  aside={say('written', { date: dateText(document.date, language, false) })}
                  actions={document.content.map(({ attachment }, i) => (
                    <OpenButton key={i} attachment={attachment} title={title} />
                  ))}
                />
              );
            })}
        </CardList>
      )}
    </Loaded>
  );
}

/** Types that a browser shows without running anything of them; others are saved. */
const SHOWN = /^(?:text\/plain|application\/pdf|image\/(?:png|jpeg|gif|webp))\b/;

function OpenButton({
  attachment,
  title,
}: {
  readonly attachment: Attachment;
  readonly title: string;
}): ReactNode {
  const say = useText();
  const tell = useTell();
  const online = useOnline();
  const { fhir } = useSession();
  const [isPending, setPending] = useState(false);
  const open = async () => {
    setPending(true);
    try {
      const blob = await contentOf(fhir, attachment);
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      if (SHOWN.test(blob.type)) link.target = '_blank';
      else link.download = attachment.title ?? title;
      link.rel = 'noopener';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch {
      tell(say('documentFailed'), 'bad');
    } finally {
      setPending(false);
    }
  };
  const name = attachment.title ?? attachment.contentType ?? title;
  return (
    <Button
      look="second"
      isPending={isPending}
      isDisabled={!online && attachment.data === undefined}
      onPress={open}
    >
      {say('openDocument', { title: name })}
    </Button>
  );
}

/** An attachment's bytes: those in it, or those of the server that it refers to. @throws FhirRequestError */
async function contentOf(fhir: FhirApi, { data, url, contentType = '' }: Attachment): Promise<Blob> {
  if (data !== undefined) {
    const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
    return new Blob([bytes], { type: contentType });
  }
  const blob = await fhir.content(url ?? '');
  return blob.type === '' ? new Blob([blob], { type: contentType }) : blob;
}
