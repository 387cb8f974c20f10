import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from 'react';
import { useOwnText } from '../i18n/context.tsx';
import { Button } from './button.tsx';
import type { NoticeTone } from './states.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: NoticeTone;
}

export type Tell = (text: string, tone?: NoticeTone) => void;

const ToastContext = createContext<Tell>(() => {});

/** Tells the person that something has happened, for some seconds, and by a live region (WCAG 2.1, 4.1.3). */
export const useTell = (): Tell => useContext(ToastContext);

const LASTS = 8000;

export function Toasts({ children }: { readonly children: ReactNode }): ReactNode {
  const say = useOwnText();
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const last = useRef(0);
  const close = useCallback((id: number) => setToasts((all) => all.filter((one) => one.id !== id)), []);
  const tell = useCallback<Tell>(
    (text, tone = 'good') => {
      const id = ++last.current;
      setToasts((all) => [...all.slice(-2), { id, text, tone }]);
      // What went wrong stays until it is read.
      if (tone !== 'bad') setTimeout(() => close(id), LASTS);
    },
    [close],
  );
  const shown = useMemo(() => toasts, [toasts]);
  return (
    <ToastContext value={tell}>
      {children}
      {/* A dialog that is open hides all but itself and this from screen readers. */}
      <section className="toasts" data-react-aria-top-layer="true" aria-label={say('notifications')}>
        <div role="log" aria-live="polite" aria-relevant="additions">
          {shown.map(({ id, text, tone }) => (
            <div key={id} className={`toast ${tone}`}>
              <span dir="auto">{text}</span>
              <Button look="plain" aria-label={say('close')} onPress={() => close(id)}>
                <span aria-hidden="true">✕</span>
              </Button>
            </div>
          ))}
        </div>
      </section>
    </ToastContext>
  );
}
