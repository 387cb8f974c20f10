import type { UseQueryResult } from '@tanstack/react-query';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { asRequestError, type FhirRequestError } from '../fhir/errors.ts';
import { useOwnText } from '../i18n/context.tsx';
import type { OwnStrings } from '../i18n/strings/en.ts';
import { useSession } from '../session/context.tsx';
import { Button } from './button.tsx';

/** Something is under way; said to those who cannot see it. */
export function Loading({ label }: { readonly label?: string }): ReactNode {
  const say = useOwnText();
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" /> {label ?? say('loading')}
    </p>
  );
}

/** There is nothing; said to those who cannot see it (WCAG 2.1, 4.1.3). */
export function Empty({ children }: { readonly children?: ReactNode }): ReactNode {
  const say = useOwnText();
  return (
    <p className="empty" role="status">
      {children ?? say('nothing')}
    </p>
  );
}

/** Says to those who cannot see them how many results a search has; undefined while it is under way. */
export function Found({ count }: { readonly count: number | undefined }): ReactNode {
  const say = useOwnText();
  return (
    <p className="hidden" role="status">
      {count === undefined || count === 0 ? '' : say('found', { count })}
    </p>
  );
}

export type NoticeTone = 'good' | 'warn' | 'bad' | 'info';

/** A message in the page. One that appears by itself is read out (`isLive`). */
export function Notice({
  tone = 'info',
  isLive = false,
  children,
}: {
  readonly tone?: NoticeTone;
  readonly isLive?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className={`notice ${tone}`} {...(isLive ? { role: tone === 'bad' ? 'alert' : 'status' } : {})}>
      {children}
    </div>
  );
}

const SENTENCES: readonly (readonly [(error: FhirRequestError) => boolean, keyof OwnStrings])[] = [
  [({ isUnreachable }) => isUnreachable, 'unreachable'],
  [({ isSignedOut }) => isSignedOut, 'sessionEnded'],
  [({ status }) => status === 403, 'forbidden'],
  [({ status }) => status === 404 || status === 410, 'notThere'],
  [({ status }) => status === 409 || status === 412, 'conflict'],
  [({ status }) => status >= 500, 'serverProblem'],
];

const sentenceOf = (problem: FhirRequestError): keyof OwnStrings =>
  SENTENCES.find(([fits]) => fits(problem))?.[1] ?? 'failed';

/** Whether the server's own words help: it has some, and they are not about access that has ended. */
const hasDetail = ({ outcome, isSignedOut }: FhirRequestError): boolean =>
  outcome !== undefined && !isSignedOut;

/** Says an error in one text, as a message of a toast takes it. */
export function useErrorText(): (error: unknown) => string {
  const say = useOwnText();
  return (error) => {
    const problem = asRequestError(error);
    const sentence = say(sentenceOf(problem));
    return hasDetail(problem) ? `${sentence} ${problem.message}` : sentence;
  };
}

/** An error in the person's words, with what the server says of it. */
export function ErrorNotice({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: () => void;
}): ReactNode {
  const say = useOwnText();
  const session = useSession();
  const problem = asRequestError(error);
  return (
    <Notice tone="bad" isLive>
      <p>{say(sentenceOf(problem))}</p>
      {hasDetail(problem) ? (
        <p className="detail" dir="auto">
          {problem.message}
        </p>
      ) : null}
      {problem.isSignedOut ? (
        <Button look="second" onPress={() => session.signInAgain()}>
          {say('signInAgain')}
        </Button>
      ) : onRetry === undefined ? null : (
        <Button look="second" onPress={onRetry}>
          {say('retry')}
        </Button>
      )}
    </Notice>
  );
}

export interface LoadedProps<Data> {
  /** Of TanStack Query, whether it asks for one page or for several. */
  readonly query: Pick<UseQueryResult<Data, FhirRequestError>, 'data' | 'error' | 'fetchStatus'> & {
    refetch(): unknown;
  };
  /** Whether there is nothing to show. */
  readonly isEmpty?: (data: Data) => boolean;
  readonly empty?: ReactNode;
  readonly children: (data: Data) => ReactNode;
}

/** What was asked for, or the state that it is in: under way, failed, out of reach without a network, empty. */
export function Loaded<Data>({ query, isEmpty, empty, children }: LoadedProps<Data>): ReactNode {
  const say = useOwnText();
  const { data, error, fetchStatus } = query;
  const retry = () => void query.refetch();
  if (data !== undefined) {
    return (
      <>
        {error === null || error.isUnreachable ? null : <ErrorNotice error={error} onRetry={retry} />}
        {isEmpty?.(data) === true ? <Empty>{empty}</Empty> : children(data)}
      </>
    );
  }
  if (error !== null) return <ErrorNotice error={error} onRetry={retry} />;
  if (fetchStatus === 'paused') return <Notice tone="warn">{say('unreachable')}</Notice>;
  return <Loading />;
}

/** Shows an error of the app itself in place of an empty page. */
export class BrokenBoundary extends Component<
  { readonly children: ReactNode; readonly fallback: ReactNode },
  { isBroken: boolean }
> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    return this.state.isBroken ? this.props.fallback : this.props.children;
  }
}
