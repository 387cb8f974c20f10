import { splitCanonical } from '../../../terminology/canonical.ts';
import { findMatches as findMatchesIn, wantedProperties } from '../../../terminology/find-matches.ts';
import { TxError, txError, txIssue } from '../../../terminology/issues.ts';
import { stringOf } from '../../../terminology/json.ts';
import { lookup as lookUp } from '../../../terminology/lookup.ts';
import type { CodeSystemProvider } from '../../../terminology/model.ts';
import { subsumes as subsumption } from '../../../terminology/subsumes.ts';
import { missingParameter } from '../../../terminology/validation-target.ts';
import type { OperationHandler } from '../operations.ts';
import { answerCall, instanceOf, objectParameter, parametersJson, type TerminologyCall } from './call.ts';

/** The code system of an operation that cannot do without it. @throws TxError 422 when it is not known */
async function knownSystem(
  { context }: TerminologyCall,
  url: string,
  version: string | undefined,
): Promise<CodeSystemProvider> {
  const { url: base, version: own } = splitCanonical(url);
  const found = await context.codeSystem(base, version ?? own);
  if (found !== undefined) {
    context.assertSupplements();
    return found;
  }
  const asked = context.parameters.version(base, version ?? own);
  throw txError(
    422,
    'not-found',
    'not-found',
    asked === undefined ? `CodeSystem not found: ${base}` : `CodeSystem not found: ${base} version ${asked}`,
  );
}

/** The code system of an instance-level call. */
async function instanceSystem(call: TerminologyCall): Promise<CodeSystemProvider> {
  const resource = await instanceOf(call);
  const url = stringOf(resource['url']);
  if (url === undefined) return call.context.sources.service.system(resource, undefined);
  return knownSystem(call, url, stringOf(resource['version']));
}

/** CodeSystem/$lookup (R4 codesystem-operation-lookup.html). */
export const lookup: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, {}, async (call) => {
    const { parameters, context } = call;
    const coding = objectParameter(parameters, 'coding');
    const code = stringOf(coding?.['code']) ?? parameters.text('code');
    const system = stringOf(coding?.['system']) ?? parameters.text('system');
    if (route.id === undefined && (code === undefined || system === undefined))
      throw missingParameter('Must provide either coding parameter, or system and code parameters');
    if (code === undefined)
      throw missingParameter('Must provide code parameter or coding parameter with code');
    const version = stringOf(coding?.['version']) ?? parameters.text('version');
    const provider =
      route.id === undefined
        ? await knownSystem(call, system as string, version)
        : await instanceSystem(call);
    return parametersJson(await lookUp(context, provider, code));
  });

/** CodeSystem/$subsumes (R4 codesystem-operation-subsumes.html). */
export const subsumes: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, {}, async (call) => {
    const { parameters } = call;
    const codings = (['codingA', 'codingB'] as const).map((name) => objectParameter(parameters, name));
    const given = codings[0] !== undefined && codings[1] !== undefined;
    const names: [string, string] = given ? ['codingA', 'codingB'] : ['codeA', 'codeB'];
    const [a, b] = given
      ? codings.map((coding) => stringOf(coding?.['code']))
      : [parameters.text('codeA'), parameters.text('codeB')];
    if (a === undefined || b === undefined)
      throw missingParameter('Must provide either codingA and codingB, or codeA and codeB with system');
    const wrong = (
      id: 'SUBSUMPTION_NO_SYSTEM' | 'SUBSUMPTION_SYSTEM_MISMATCH',
      place: string,
      ...args: string[]
    ) => new TxError(400, txIssue('error', 'invalid', 'invalid-data', place, id, ...args), { outcome: true });
    let provider: CodeSystemProvider;
    if (given) {
      const systems = codings.map((coding) => stringOf(coding?.['system']));
      for (const [i, name] of names.entries())
        if (systems[i] === undefined) throw wrong('SUBSUMPTION_NO_SYSTEM', name, name);
      if (systems[0] !== systems[1])
        throw wrong('SUBSUMPTION_SYSTEM_MISMATCH', 'codingB', systems[0] as string, systems[1] as string);
      provider =
        route.id === undefined
          ? await knownSystem(call, systems[0] as string, stringOf(codings[0]?.['version']))
          : await instanceSystem(call);
      if (provider.info.url !== systems[0])
        throw wrong('SUBSUMPTION_SYSTEM_MISMATCH', 'codingA', provider.info.url, systems[0] as string);
    } else if (route.id !== undefined) provider = await instanceSystem(call);
    else {
      const system = parameters.text('system');
      if (system === undefined) throw wrong('SUBSUMPTION_NO_SYSTEM', 'codeA', 'codeA');
      provider = await knownSystem(call, system, parameters.text('version'));
    }
    return parametersJson([{ name: 'outcome', valueCode: await subsumption(provider, a, b, names) }]);
  });

/** CodeSystem/$find-matches (R4 codesystem-operation-find-matches.html). */
export const findMatches: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, {}, async (call) => {
    const { parameters, context } = call;
    const system = parameters.text('system');
    if (route.id === undefined && system === undefined)
      throw missingParameter('The parameter system is missing');
    const provider =
      route.id === undefined
        ? await knownSystem(call, system as string, parameters.text('version'))
        : await instanceSystem(call);
    const wanted = wantedProperties(parameters.all('property'));
    if (wanted.length === 0)
      throw missingParameter('At least one property with code and value is needed to find matches for');
    return parametersJson(
      await findMatchesIn(context, provider, wanted, parameters.text('exact') === 'true'),
    );
  });
