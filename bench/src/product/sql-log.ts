/** A statement as PostgreSQL's log shows it. */
export interface CapturedStatement {
  /** application_name of the session. */
  readonly application: string;
  /** Name under which it is prepared; undefined for the unnamed one. */
  readonly name: string | undefined;
  readonly text: string;
  /** Parameters as texts, in order. */
  readonly values: readonly (string | null)[];
}

/** `log_line_prefix` under which {@link parseLog} knows an entry's beginning. */
export const LOG_PREFIX = 'bench-log|%a|%p|';

const ENTRY = /^bench-log\|([^|]*)\|(\d+)\|(LOG|DETAIL): {2}([\s\S]*)$/;
const STATEMENT = /^(?:execute ([^:]+)|statement): ([\s\S]*)$/;

/** Reads the statements out of a log made with `log_statement = all` and {@link LOG_PREFIX}. */
export function parseLog(text: string): CapturedStatement[] {
  const statements: (CapturedStatement & { values: (string | null)[] })[] = [];
  const lastOf = new Map<string, CapturedStatement & { values: (string | null)[] }>();
  for (const entry of entries(text)) {
    const [, application = '', pid = '', severity, message = ''] = ENTRY.exec(entry) ?? [];
    if (severity === 'LOG') {
      const found = STATEMENT.exec(message);
      if (found === null) continue;
      const name = found[1] === undefined || found[1] === '<unnamed>' ? undefined : found[1];
      const statement = { application, name, text: found[2]!, values: [] };
      statements.push(statement);
      lastOf.set(pid, statement);
    } else if (severity === 'DETAIL') {
      lastOf.get(pid)?.values.push(...parseParameters(message));
    }
  }
  return statements;
}

/** Entries with their line breaks: PostgreSQL begins each further line of an entry with a tab. */
function entries(text: string): string[] {
  const result: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('bench-log|')) result.push(line);
    else if (line.startsWith('\t') && result.length > 0) result[result.length - 1] += `\n${line.slice(1)}`;
  }
  return result;
}

/** `Parameters: $1 = 'it''s', $2 = NULL` (PostgreSQL 15 writes the first word small). */
function parseParameters(message: string): (string | null)[] {
  const values: (string | null)[] = [];
  const one = /\$\d+ = (?:(NULL)|'((?:[^']|'')*)')(?:, |$)/y;
  one.lastIndex = message.indexOf('$1 = ');
  if (one.lastIndex < 0) return values;
  for (let match = one.exec(message); match !== null; match = one.exec(message)) {
    values.push(match[1] === undefined ? match[2]!.replaceAll("''", "'") : null);
  }
  return values;
}

/** Whether a statement is part of a search's work: not transaction control, settings or looks at jobs and tenants. */
export function isSearchWork({ text }: CapturedStatement): boolean {
  return /^\s*(\(|select|with)\b/i.test(text) && /\b(tenant|store)\.(resource|index_|history)/i.test(text);
}
