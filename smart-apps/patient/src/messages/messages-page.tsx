import {
  Button,
  Buttons,
  CardList,
  type Communication,
  Dialog,
  ErrorNotice,
  Link,
  Loaded,
  Page,
  resourcesOf,
  TextField,
  useOnline,
  useOwnText,
  useSave,
  useSearchPages,
  useSession,
  useTell,
} from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { conversationOf } from '../chat/conversation.ts';
import { usePatientReference } from '../patient-of.ts';
import { useText } from '../text.ts';
import { MessageCard, useSenderName } from './message-card.tsx';

/** Of each conversation the latest message; each other message by itself. */
function latestOfEach(messages: readonly Communication[]): Communication[] {
  const seen = new Set<string>();
  return messages.filter((message) => {
    const conversation = conversationOf(message);
    if (conversation === undefined) return true;
    if (seen.has(conversation)) return false;
    seen.add(conversation);
    return true;
  });
}

/** Messages to and from the patient, the latest first. */
export default function MessagesPage(): ReactNode {
  const say = useText();
  const own = useOwnText();
  const online = useOnline();
  const patient = usePatientReference();
  const nameOf = useSenderName();
  const messages = useSearchPages<Communication>('Communication', { patient, _sort: '-sent', _count: 30 });
  const [answered, setAnswered] = useState<Communication>();
  const actionsOf = (message: Communication): ReactNode => {
    const conversation = conversationOf(message);
    if (conversation !== undefined)
      return (
        <Link href={`/chat?conversation=${encodeURIComponent(conversation)}`} look="second">
          {say('openChat')}
        </Link>
      );
    if (nameOf(message) === say('you') || !online) return undefined;
    return (
      <Button look="second" onPress={() => setAnswered(message)}>
        {say('reply')}
      </Button>
    );
  };
  return (
    <Page title={say('messages')}>
      <Loaded
        query={messages as never}
        isEmpty={() => messages.data?.pages.every((page) => resourcesOf(page).length === 0) ?? true}
        empty={say('noMessages')}
      >
        {() => (
          <CardList label={say('messages')}>
            {latestOfEach(
              (messages.data?.pages ?? []).flatMap((page) => resourcesOf<Communication>(page)),
            ).map((message) => (
              <MessageCard level={2} key={message.id} message={message} actions={actionsOf(message)} />
            ))}
          </CardList>
        )}
      </Loaded>
      {messages.hasNextPage ? (
        <Buttons>
          <Button
            look="second"
            isPending={messages.isFetchingNextPage}
            onPress={() => void messages.fetchNextPage()}
          >
            {own('more')}
          </Button>
        </Buttons>
      ) : null}
      {answered === undefined ? null : (
        <ReplyDialog message={answered} name={nameOf(answered)} onClose={() => setAnswered(undefined)} />
      )}
    </Page>
  );
}

function ReplyDialog({
  message,
  name,
  onClose,
}: {
  readonly message: Communication;
  readonly name: string;
  readonly onClose: () => void;
}): ReactNode {
  const say = useText();
  const own = useOwnText();
  const tell = useTell();
  const { user } = useSession();
  const patient = usePatientReference() as string;
  const [text, setText] = useState('');
  const [isMissing, setMissing] = useState(false);
  const save = useSave<Communication>();
  const submit = () => {
    setMissing(text.trim() === '');
    if (text.trim() === '') return;
    save.mutate(
      {
        resourceType: 'Communication',
        status: 'completed',
        subject: { reference: patient },
        sender: { reference: user ?? patient },
        ...(message.sender === undefined ? {} : { recipient: [message.sender] }),
        inResponseTo: [{ reference: `Communication/${message.id}` }],
        sent: new Date().toISOString(),
        payload: [{ contentString: text.trim() }],
      },
      {
        onSuccess: () => {
          tell(say('replySent'));
          onClose();
        },
      },
    );
  };
  return (
    <Dialog title={say('replyTo', { name })} isOpen onClose={onClose}>
      <TextField
        label={say('yourText')}
        rows={5}
        isRequired
        value={text}
        onChange={setText}
        error={isMissing ? own('fillIn') : undefined}
      />
      {save.error === null ? null : <ErrorNotice error={save.error} />}
      <Buttons>
        <Button isPending={save.isPending} onPress={submit}>
          {say('send')}
        </Button>
        <Button look="second" onPress={onClose}>
          {own('cancel')}
        </Button>
      </Buttons>
    </Dialog>
  );
}
