/** A place in a JSON text. */
export interface Place {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 code units. */
  readonly column: number;
  /** FHIRPath of the value or property there, e.g. `Patient.name[0].given[1]`; undefined at the root of something that is no resource. */
  readonly path?: string;
}

/**
 * Where a position lies in a JSON text that is right up to there. Slow, for error messages: the parser itself keeps no
 * path. In front of the path stands the resource type of the outermost object, if it has one.
 */
export function locate(text: string, position: number): Place {
  let line = 1;
  let lineStart = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < position; next = text.indexOf('\n', next + 1)) {
    line++;
    lineStart = next + 1;
  }
  const column = position - lineStart + 1;
  const stack: { name: string | undefined; index: number }[] = [];
  let root = '';
  for (let at = 0; at < position; at++) {
    const top = stack.at(-1);
    switch (text[at]) {
      case '{':
        stack.push({ name: undefined, index: -1 });
        break;
      case '[':
        stack.push({ name: undefined, index: 0 });
        break;
      case '}':
      case ']':
        stack.pop();
        break;
      case ',':
        if (top !== undefined) {
          if (top.index >= 0) top.index++;
          else top.name = undefined;
        }
        break;
      case '"': {
        const end = stringEnd(text, at);
        if (end > position) at = position;
        else {
          if (top !== undefined && top.index < 0) {
            if (top.name === undefined) top.name = unquote(text.slice(at, end));
            else if (stack.length === 1 && top.name === 'resourceType') root = unquote(text.slice(at, end));
          }
          at = end - 1;
        }
      }
    }
  }
  // A property name that begins at the position belongs to the path.
  const top = stack.at(-1);
  if (text[position] === '"' && top !== undefined && top.index < 0 && top.name === undefined) {
    top.name = unquote(text.slice(position, stringEnd(text, position)));
  }
  // The type may stand behind the position; only the beginning is looked through.
  if (root === '')
    root = /^\s*\{[^{[]*?"resourceType"\s*:\s*"([A-Za-z]+)"/.exec(text.slice(0, 1000))?.[1] ?? '';
  let path = root;
  for (const { name, index } of stack) {
    if (index >= 0) path += `[${index}]`;
    else if (name !== undefined) path += `${path === '' ? '' : '.'}${name}`;
  }
  return { line, column, ...(path === '' ? {} : { path }) };
}

/** The place behind the string that begins at a quote; beyond the text if it is not closed. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length + 1;
}

function unquote(token: string): string {
  try {
    return JSON.parse(token) as string;
  } catch {
    return token.slice(1, -1);
  }
}
