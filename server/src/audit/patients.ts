const REFERENCE = '"reference":"Patient/';
const RESOURCE = '"resourceType":"Patient","id":"';

/**
 * Ids of the patients that a resource, or a Bundle of resources, is about or refers to, without parsing it: of every
 * reference to a Patient, and of every Patient. The text is JSON as this server stores and serves it: without spaces, a
 * resource's id behind its type.
 */
export function patientsIn(text: string): string[] {
  const found = new Set<string>();
  collect(text, REFERENCE, found);
  collect(text, RESOURCE, found);
  return [...found];
}

/** In a string of JSON the quotes of these marks would be escaped: what is found is no text of a person's. */
function collect(text: string, mark: string, found: Set<string>): void {
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at)) {
    const start = at + mark.length;
    let end = start;
    while (isIdCharacter(text.charCodeAt(end))) end++;
    if (end > start && end - start <= 64) found.add(text.slice(start, end));
    at = end;
  }
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
