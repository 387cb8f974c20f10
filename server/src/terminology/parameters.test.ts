import { describe, expect, it } from 'vitest';
import { TxParameters } from './parameters.ts';

describe('parameters of terminology operations (terminology ecosystem: version parameters)', () => {
  it('lead to versions by rules with url|version', () => {
    const parameters = new TxParameters([['force-system-version', 'http://s|2']], undefined, false);
    expect(parameters.version('http://s', '1')).toBe('2');
    expect(() => new TxParameters([['force-system-version', 'http://s']], undefined, false)).toThrow();
  });

  it.each(['constructor', '__proto__', 'toString'])('may have any name that means nothing: %s', (name) => {
    const parameters = new TxParameters([[name, 'x']], undefined, false);
    expect(parameters.version('http://s', '1')).toBe('1');
  });
});
