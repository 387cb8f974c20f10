import { splitCanonical } from '../../../terminology/canonical.ts';
import { expand as expandSet } from '../../../terminology/expand.ts';
import { txError } from '../../../terminology/issues.ts';
import { missingParameter } from '../../../terminology/validation-target.ts';
import type { OperationHandler } from '../operations.ts';
import { contextValueSet } from './binding-context.ts';
import { answerCall, instanceOf } from './call.ts';

/** ValueSet/$expand (R4 valueset-operation-expand.html). */
export const expand: OperationHandler = (services, request, route) =>
  answerCall(services, request, route, { bareResource: 'valueSet' }, async (call) => {
    const { parameters, context } = call;
    if (route.id !== undefined) return expandSet(context, await instanceOf(call));
    const inline = parameters.resource('valueSet');
    if (inline !== undefined) {
      if (inline.resourceType !== 'ValueSet')
        throw missingParameter(`The parameter valueSet is a ${inline.resourceType}`);
      return expandSet(context, inline);
    }
    const place = parameters.text('context');
    const url =
      parameters.text('url') ??
      (place === undefined ? undefined : await contextValueSet(request.context, place));
    if (url === undefined)
      throw missingParameter('Must provide either a ValueSet resource or a url parameter');
    const { url: base, version: own } = splitCanonical(url);
    const version = context.parameters.version(base, parameters.text('valueSetVersion') ?? own);
    const found = await context.sources.valueSet(base, version);
    if (found === undefined) {
      const text =
        version === undefined
          ? `ValueSet not found: ${base}`
          : `ValueSet not found: ${base} version ${version}`;
      throw txError(422, 'not-found', 'not-found', text);
    }
    return expandSet(context, found.resource);
  });
