import type { DefinitionsModel } from '../conformance/model.ts';
import { parseJson } from '../json/parse.ts';
import { writeXml } from '../xml/index.ts';
import type { Format } from './negotiation.ts';

/** The text of an answer in the format and shape that were asked for. */
export function written(
  text: string,
  format: Format,
  pretty: boolean,
  definitions: DefinitionsModel | undefined,
): string {
  if (format === 'xml' && definitions !== undefined)
    return writeXml(parseJson(text), definitions, { pretty });
  return pretty ? prettyJson(text) : text;
}

/** Indented JSON text of JSON text. Strings and numbers stay as they are written, so decimals keep their digits. */
export function prettyJson(text: string): string {
  let result = '';
  let indent = '\n';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '"') {
      let end = i + 1;
      while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
      result += text.slice(i, end + 1);
      i = end;
    } else if (c === '{' || c === '[') {
      const next = text[i + 1];
      if (next === '}' || next === ']') {
        result += c + next;
        i++;
      } else {
        indent += '  ';
        result += c + indent;
      }
    } else if (c === '}' || c === ']') {
      indent = indent.slice(0, -2);
      result += indent + c;
    } else if (c === ',') {
      result += c + indent;
    } else if (c === ':') {
      result += ': ';
    } else if (c !== ' ' && c !== '\n' && c !== '\t' && c !== '\r') {
      result += c;
    }
  }
  return result;
}
