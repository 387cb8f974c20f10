import { GrammarSystem, plainConcept } from './grammar-system.ts';

export const BCP13 = 'urn:ietf:bcp:13';

/** Top-level types of RFC 6838 and its registry. */
const TOP =
  'application|audio|example|font|haptics|image|message|model|multipart|text|video|chemical|x-[a-z0-9-]+';
const NAME = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}';
const MEDIA_TYPE = new RegExp(`^(${TOP})/(${NAME})(\\s*;\\s*${NAME}=("[^"\\\\]*"|[^\\s;"]+))*$`, 'i');

/** Media types (RFC 6838): `type/subtype` with parameters. Registration is not checked. */
export function mediaTypesSystem(): GrammarSystem {
  return new GrammarSystem(
    { url: BCP13, name: 'Mime Types', caseSensitive: true, status: 'active', properties: [] },
    (code) => (code.length <= 300 && MEDIA_TYPE.test(code) ? plainConcept(code, code) : undefined),
  );
}
