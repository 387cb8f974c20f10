import { Card, type Communication, dateText, useLanguage, useSession } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { useText } from '../text.ts';

/** Who has written a message, in words. */
export function useSenderName(): (message: Communication) => string {
  const say = useText();
  const { user, patient } = useSession();
  return ({ sender }) => {
    if (
      sender?.reference !== undefined &&
      (sender.reference === user || sender.reference === `Patient/${patient}`)
    )
      return say('you');
    return (
      sender?.display ?? say(sender?.reference?.startsWith('Device/') === true ? 'assistant' : 'careTeam')
    );
  };
}

/** What a message says, without attachments. */
export function textsOf({ payload }: Communication): string[] {
  return (payload ?? []).flatMap(({ contentString }) => (contentString === undefined ? [] : [contentString]));
}

export function MessageCard({
  message,
  actions,
  level = 3,
}: {
  readonly message: Communication;
  readonly level?: 2 | 3;
  readonly actions?: ReactNode;
}): ReactNode {
  const { language } = useLanguage();
  const nameOf = useSenderName();
  return (
    <Card
      level={level}
      title={nameOf(message)}
      aside={dateText(message.sent ?? message.received ?? message.meta?.lastUpdated, language)}
      actions={actions}
    >
      {textsOf(message).map((text) => (
        <p key={text} dir="auto" className="pre">
          {text}
        </p>
      ))}
    </Card>
  );
}
