import {
  Button,
  Card,
  CardList,
  conceptText,
  type DocumentReference,
  dateText,
  ErrorNotice,
  Loaded,
  referenceText,
  resourcesOf,
  useLanguage,
  useSearchPages,
  useSession,
} from '@vesta/app-kit';
import { type ReactNode, useEffect, useState } from 'react';
import { useText } from '../text.ts';
import { Compositions } from './compositions.tsx';

/** Notes and documents, newest first; what they hold is fetched when it is opened. */
export function Notes({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const documents = useSearchPages<DocumentReference>('DocumentReference', {
    patient: id,
    _sort: '-date',
    _count: 20,
  });
  const found = (documents.data?.pages ?? []).flatMap((page) => resourcesOf<DocumentReference>(page));
  return (
    <>
      <Compositions id={id} />
      <Loaded query={documents} isEmpty={() => found.length === 0} empty={say('noNotes')}>
        {() => (
          <CardList label={say('notesTab')}>
            {found
              .filter(({ status }) => status !== 'entered-in-error')
              .map((one) => (
                <Card
                  key={one.id}
                  level={3}
                  title={conceptText(one.type) ?? one.description ?? say('document')}
                  aside={dateText(one.date, language)}
                >
                  <p className="when">{(one.author ?? []).map(referenceText).filter(Boolean).join(', ')}</p>
                  {one.description === undefined ? null : <p dir="auto">{one.description}</p>}
                  {one.content.map(({ attachment }, at) => (
                    <Attached key={attachment.url ?? at} attachment={attachment} />
                  ))}
                </Card>
              ))}
          </CardList>
        )}
      </Loaded>
      {documents.hasNextPage ? (
        <Button
          look="second"
          onPress={() => void documents.fetchNextPage()}
          isPending={documents.isFetchingNextPage}
        >
          {say('more')}
        </Button>
      ) : null}
    </>
  );
}

type Attachment = DocumentReference['content'][number]['attachment'];

interface Shown {
  readonly kind: 'text' | 'picture' | 'file';
  /** The text, or an address of the browser for the content. */
  readonly value: string;
}

/** An attachment: text and pictures in place, others to be kept as files. */
function Attached({ attachment }: { readonly attachment: Attachment }): ReactNode {
  const say = useText();
  const { fhir } = useSession();
  const [shown, setShown] = useState<Shown>();
  const [error, setError] = useState<unknown>();
  const [isPending, setPending] = useState(false);
  useEffect(
    () => () => {
      if (shown !== undefined && shown.kind !== 'text') URL.revokeObjectURL(shown.value);
    },
    [shown],
  );
  const open = async () => {
    setPending(true);
    setError(undefined);
    try {
      setShown(await shownOf(await contentOf(attachment, (url) => fhir.content(url))));
    } catch (problem) {
      setError(problem);
    } finally {
      setPending(false);
    }
  };
  const title = attachment.title ?? attachment.contentType ?? say('document');
  return (
    <>
      {error === undefined ? null : <ErrorNotice error={error} onRetry={() => void open()} />}
      {shown === undefined ? (
        <Button look="second" onPress={() => void open()} isPending={isPending}>
          {say('openDocument', { title })}
        </Button>
      ) : shown.kind === 'text' ? (
        <div className="text-file" dir="auto">
          {shown.value}
        </div>
      ) : shown.kind === 'picture' ? (
        <img className="picture" src={shown.value} alt={title} />
      ) : (
        <a href={shown.value} download={title}>
          {say('keepFile', { title })}
        </a>
      )}
    </>
  );
}

async function contentOf(attachment: Attachment, fetched: (url: string) => Promise<Blob>): Promise<Blob> {
  const { data, url, contentType = 'application/octet-stream' } = attachment;
  if (data !== undefined)
    return new Blob([Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0))], { type: contentType });
  const content = await fetched(url ?? '');
  return content.type === '' ? new Blob([content], { type: contentType }) : content;
}

async function shownOf(content: Blob): Promise<Shown> {
  const type = content.type.split(';')[0] ?? '';
  if (type === 'text/plain') return { kind: 'text', value: await content.text() };
  // Pictures that can hold no script; anything else is only ever a file.
  const kind = /^image\/(png|jpeg|gif|webp)$/.test(type) ? 'picture' : 'file';
  return { kind, value: URL.createObjectURL(content) };
}
