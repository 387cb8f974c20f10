import { keptByUrl } from './kept-by-url.ts';
import type { Validators } from './validators.ts';

/** Code systems whose URI is often written with more behind it, such as a version or edition (R4 terminologies-systems.html). */
const EXACT: readonly string[] = [
  'http://snomed.info/sct',
  'http://loinc.org',
  'http://unitsofmeasure.org',
  'http://www.nlm.nih.gov/research/umls/rxnorm',
];

/** URIs that only R4 itself gives out: everything directly below its root, and below the old roots of HL7 v2 and v3. */
const OF_CORE = /^http:\/\/hl7\.org\/fhir\/(?:v[23]\/)?[\w.-]+$/;

/**
 * What is wrong with the URI of a code system that terminology does not know: the address of a page, the wrong scheme, a
 * version in it, a supplement, or a name that R4 itself would have defined and has not (R4 datatypes.html#Coding.system,
 * terminologies-systems.html, codesystem.html#supplements).
 *
 * @returns a text for a person; undefined if it may be a code system that is only not here
 */
export const wrongSystem = keptByUrl(judge);

function judge(system: string, validators: Validators): string | undefined {
  const isKnown = (url: string): boolean => validators.resolver.resolve('CodeSystem', url) !== undefined;
  const resource = validators.resolver.resolve('CodeSystem', system);
  if (resource !== undefined) {
    return resource['content'] === 'supplement'
      ? `${system} is a supplement: codes are of the code system that it supplements`
      : undefined;
  }
  if (/^https?:\/\/build\.fhir\.org\//.test(system)) {
    return `${system} is an address of the draft specification, not the URI of a code system`;
  }
  if (/^https?:\/\/(?:www\.)?hl7\.org\/fhir\/.*\.html?$/.test(system)) {
    return `${system} is the address of a page, not the URI of a code system`;
  }
  const exact = EXACT.find((one) => system.startsWith(one));
  if (exact !== undefined && exact !== system) {
    return `${system} is not the URI of a code system; that is ${exact}, and a version is in Coding.version`;
  }
  if (system.startsWith('https:')) {
    const plain = `http:${system.slice(6)}`;
    if (EXACT.includes(plain) || isKnown(plain)) return `The URI of the code system is ${plain}`;
  }
  return OF_CORE.test(system) ? `R4 has no code system ${system}` : undefined;
}
