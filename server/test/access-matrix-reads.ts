import type { Interaction } from '../src/access/scope.ts';
import type { Case } from './access-cases.ts';
import { RESOURCES } from './access-data.ts';
import { entriesOf, type Matrix, SHARE } from './access-matrix.ts';
import type { JsonObject } from './naive-values.ts';

/** Reads of current and past versions, and what is told of what may not be read. */
export async function reads(matrix: Matrix, one: Case, at: number): Promise<void> {
  const forms: [Interaction, string][] = [
    ['read', ''],
    ['vread', '/_history/1'],
    ['history-instance', '/_history'],
  ];
  for (const [i, resource] of RESOURCES.entries()) {
    // A third of all for each token, another third for the next.
    if ((i + at) % (3 * SHARE) !== 0) continue;
    const [interaction, suffix] = forms[(i + Math.floor(at / 2)) % 3] as [Interaction, string];
    const { resourceType: type, id } = resource;
    const may = matrix.access.may(one.token, interaction, resource as unknown as JsonObject);
    const mayType = matrix.access.mayType(one.token, interaction, type);
    const answer = await matrix.send(one, 'GET', `${type}/${id}${suffix}`);
    matrix.note(interaction, may);
    matrix.differ(one, `${interaction} ${type}/${id}`, may ? 200 : mayType ? 404 : 403, answer.status);
    if (may)
      matrix.checkHidden(
        one,
        interaction,
        suffix === '/_history' ? entriesOf(answer).map((e) => e['resource']) : [answer.body],
      );
    if (!may && mayType) {
      // What is kept back and what there never was are told in the same words.
      const missing = await matrix.send(one, 'GET', `${type}/no-${id}${suffix}`);
      matrix.differ(
        one,
        `existence of ${type}/${id}`,
        JSON.stringify(missing.body).replaceAll(`no-${id}`, id),
        JSON.stringify(answer.body),
      );
    }
  }
}
