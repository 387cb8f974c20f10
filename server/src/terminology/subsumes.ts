import { joinCanonical } from './canonical.ts';
import { TxError, txIssue } from './issues.ts';
import { unknownCode } from './membership-check.ts';
import type { CodeSystemProvider } from './model.ts';

export type Subsumption = 'equivalent' | 'subsumes' | 'subsumed-by' | 'not-subsumed';

/**
 * CodeSystem/$subsumes (R4 codesystem-operation-subsumes.html).
 * @param names the parameters that the codes came by, for messages
 * @throws TxError 404 for a code that is not there, 422 for a code system whose hierarchy is not one of meaning
 */
export async function subsumes(
  system: CodeSystemProvider,
  codeA: string,
  codeB: string,
  names: readonly [string, string] = ['codeA', 'codeB'],
): Promise<Subsumption> {
  const { info } = system;
  const [a, b] = await Promise.all([system.locate(codeA), system.locate(codeB)]);
  for (const [concept, code, name] of [
    [a, codeA, names[0]],
    [b, codeB, names[1]],
  ] as const) {
    if (concept === undefined) throw new TxError(404, unknownCode(system, code, name), { outcome: true });
  }
  if (a === undefined || b === undefined) return 'not-subsumed';
  if (a.code === b.code) return 'equivalent';
  const { hierarchyMeaning } = info;
  if (hierarchyMeaning !== undefined && hierarchyMeaning !== 'is-a' && info.hasHierarchy) {
    throw new TxError(
      422,
      txIssue(
        'error',
        'not-supported',
        'not-supported',
        undefined,
        'SUBSUMPTION_CS_HIERARCHY_MEANING',
        joinCanonical(info.url, info.version),
        hierarchyMeaning,
      ),
      { outcome: true },
    );
  }
  const [under, over] = await Promise.all([system.isBelow(b.code, a.code), system.isBelow(a.code, b.code)]);
  return under ? 'subsumes' : over ? 'subsumed-by' : 'not-subsumed';
}
