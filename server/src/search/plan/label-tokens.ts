import type { Hash64 } from '../hash.ts';
import { type IndexKeys, searchParamKey } from '../index-model.ts';
import { foldCode } from '../normalize.ts';
import { type HashList, hashList } from './sql.ts';

/** Characters of the lists that are kept for a tenant. */
const MOST_TEXT = 1_000_000;

interface Known {
  readonly lists: Map<string, HashList>;
  length: number;
}

/** A policy's labels for all types of a compartment are thousands of hashes, and every request asks for the same. */
const known = new WeakMap<IndexKeys, Known>();

/**
 * The tokens of resources of some types that carry one of the labels.
 * @param labels `system|code` each
 */
export function labelTokens(keys: IndexKeys, types: readonly string[], labels: readonly string[]): HashList {
  let own = known.get(keys);
  if (own === undefined) known.set(keys, (own = { lists: new Map(), length: 0 }));
  const name = `${types.join()} ${labels.join()}`;
  let list = own.lists.get(name);
  if (list === undefined) {
    list = hashList(types.flatMap((type) => tokensOf(keys, type, labels)));
    if (own.length > MOST_TEXT) {
      own.lists.clear();
      own.length = 0;
    }
    own.lists.set(name, list);
    own.length += name.length + list.text.length;
  }
  return list;
}

function tokensOf(keys: IndexKeys, type: string, labels: readonly string[]): Hash64[] {
  // By the parameter's key alone: labels count for whoever may not search by them, too.
  const param = searchParamKey(type, '_security');
  return labels.flatMap((label) => {
    const [system = '', code = ''] = label.split('|');
    // A label that does not say of which system it is counts as well.
    return [...new Set([system, ''])].map((one) => keys.systemCode(param, one, foldCode(code)));
  });
}
