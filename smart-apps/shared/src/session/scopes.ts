import type { Session } from './session.ts';

/** Whether the granted scopes let the app do something with a type; the server may still say no. */
export function mayDo(
  { scopes }: Pick<Session, 'scopes'>,
  action: 'c' | 'r' | 'u' | 'd' | 's',
  type: string,
): boolean {
  return scopes.split(/\s+/).some((one) => {
    const match = /^(?:patient|user|system)\/(\*|\w+)\.([a-z*]+)/.exec(one);
    if (match === null || (match[1] !== '*' && match[1] !== type)) return false;
    const actions = match[2] as string;
    if (actions === '*') return true;
    if (actions === 'read') return action === 'r' || action === 's';
    if (actions === 'write') return 'cud'.includes(action);
    return actions.includes(action);
  });
}
