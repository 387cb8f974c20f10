const NAME = 'Patient';
const REFERENCE = '"reference":"';
const RESOURCE = '"resourceType":"';
const ID = '","id":"';

/**
 * Ids of the patients that a resource, or a Bundle of resources, is about or refers to, without parsing it: of every
 * reference to a Patient, and of every Patient. The text is JSON as this server stores and serves it: without spaces, a
 * resource's id behind its type.
 */
export function patientsIn(text: string): string[] {
  let found: string[] | undefined;
  // One search for what both marks have in common: it begins with a letter that is rare in JSON, so it is a quick one.
  for (let at = text.indexOf(NAME); at >= 0; at = text.indexOf(NAME, at)) {
    const start = idStart(text, at);
    at += NAME.length;
    if (start === undefined) continue;
    let end = start;
    while (isIdCharacter(text.charCodeAt(end))) end++;
    if (end === start || end - start > 64) continue;
    const id = text.slice(start, end);
    at = end;
    if (found === undefined) found = [id];
    else if (found.at(-1) !== id) found.push(id);
  }
  if (found === undefined) return [];
  return found.length === 1 ? found : [...new Set(found)];
}

/**
 * Where the id begins that follows `Patient` at a place, if it is a reference's or a resource's. In a string of JSON the
 * quotes of these marks would be escaped: what is found is no text of a person's.
 */
function idStart(text: string, at: number): number | undefined {
  const behind = at + NAME.length;
  if (text.startsWith('/', behind) && text.startsWith(REFERENCE, at - REFERENCE.length)) return behind + 1;
  if (text.startsWith(ID, behind) && text.startsWith(RESOURCE, at - RESOURCE.length))
    return behind + ID.length;
  return undefined;
}

function isIdCharacter(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 45 ||
    code === 46
  );
}
