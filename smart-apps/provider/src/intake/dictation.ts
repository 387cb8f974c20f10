import { useEffect, useRef, useState } from 'react';

/* The browser's own speech recognition (Web Speech API), where there is one. */

interface RecognitionResult {
  readonly isFinal: boolean;
  readonly [index: number]: { readonly transcript: string } | undefined;
}
interface Recognition {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult:
    | ((event: { readonly resultIndex: number; readonly results: ArrayLike<RecognitionResult> }) => void)
    | null;
  onend: (() => void) | null;
  onerror: ((event: { readonly error: string }) => void) | null;
  start(): void;
  stop(): void;
}
type Made = new () => Recognition;

function recognition(): Made | undefined {
  const { SpeechRecognition, webkitSpeechRecognition } = window as unknown as Record<
    string,
    Made | undefined
  >;
  return SpeechRecognition ?? webkitSpeechRecognition;
}

export interface Dictation {
  /** False where the browser has none: then there is nothing to offer. */
  readonly isSupported: boolean;
  readonly isListening: boolean;
  /** Why it stopped: a code of the Web Speech API such as `not-allowed`. */
  readonly problem: string | undefined;
  toggle(): void;
}

/** Speech as text. @param onText called with each part that was understood */
export function useDictation(language: string, onText: (text: string) => void): Dictation {
  const [isListening, setListening] = useState(false);
  const [problem, setProblem] = useState<string>();
  const running = useRef<Recognition>(undefined);
  const told = useRef(onText);
  told.current = onText;
  useEffect(() => () => running.current?.stop(), []);
  const Made = recognition();
  const toggle = (): void => {
    if (Made === undefined) return;
    if (running.current !== undefined) {
      running.current.stop();
      return;
    }
    const one = new Made();
    one.lang = language;
    one.continuous = true;
    one.interimResults = false;
    one.onresult = ({ resultIndex, results }) => {
      for (let at = resultIndex; at < results.length; at++) {
        const result = results[at];
        const text = result?.isFinal === true ? result[0]?.transcript.trim() : '';
        if (text) told.current(text);
      }
    };
    one.onerror = ({ error }) => setProblem(error);
    one.onend = () => {
      running.current = undefined;
      setListening(false);
    };
    running.current = one;
    setProblem(undefined);
    setListening(true);
    one.start();
  };
  return { isSupported: Made !== undefined, isListening, problem, toggle };
}
