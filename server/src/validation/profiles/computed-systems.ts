import { canonicalQuantity, UCUM } from '../../search/units.ts';

/** Systems whose codes are told by their form: whether a text is one; undefined for any other system. */
export function computedSystem(system: string, code: string): boolean | undefined {
  switch (system) {
    case UCUM:
      return canonicalQuantity(1, code) !== undefined;
    case 'urn:ietf:bcp:47':
      return /^(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(?:-[A-WYZa-wyz0-9](?:-[A-Za-z0-9]{2,8})+)*(?:-x(?:-[A-Za-z0-9]{1,8})+)?$|^x(?:-[A-Za-z0-9]{1,8})+$|^i-[a-z]+$/.test(
        code,
      );
    case 'urn:ietf:bcp:13':
    case 'http://www.rfc-editor.org/bcp/bcp13.txt':
      // R4 names its formats by short codes too (CapabilityStatement.format).
      return /^(?:xml|json|ttl|html)$|^[A-Za-z0-9][\w!#$&^.+-]*\/[A-Za-z0-9*][\w!#$&^.+*-]*(?:\s*;.*)?$/.test(
        code,
      );
    case 'urn:iso:std:iso:4217':
      return /^[A-Z]{3}$/.test(code) ? (CURRENCIES.has(code) ? true : undefined) : false;
    default:
      return undefined;
  }
}

/** ISO 4217 as the ICU tables of the runtime have it. A code that is not there may be newer. */
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
