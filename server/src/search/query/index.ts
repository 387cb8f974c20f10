export { escapeValue, splitEscaped, unescapeValue } from './escape.ts';
export { lockKeys, parseCriteria, parseSearch } from './parse.ts';
export * from './types.ts';
