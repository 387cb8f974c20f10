import { readFileSync } from 'node:fs';
import { accessScopeOf, type TokenClaims } from '../access/access-scope-of.ts';
import { explainRequest } from '../access/explain.ts';
import { DEFAULT_POLICIES, type PolicyOverrides, policyOf, ROLES } from '../access/policies/index.ts';
import { policyOverrides, policyResource } from '../access/policies/policy-resource.ts';
import { loadConfig } from '../config/config.ts';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import { type Route, route } from '../fhir/route.ts';
import { parseJson } from '../json/parse.ts';
import type { Resource } from '../json/types.ts';
import { type Command, parse, UsageError } from './command.ts';

/** `vesta policy list|show|explain`. */
export const policy: Command = {
  help: `Usage: vesta policy list
       vesta policy show ROLE [--json]
       vesta policy explain --user LOGIN --tenant TENANT [--scope SCOPES] [--patient ID] [--grants]
                            --request "GET Patient/1"
       vesta policy explain --role ROLE [--scope SCOPES] [--patient ID] [--user REFERENCE] [--grants]
                            [--policy FILE] --request "GET Observation?category=laboratory"

Says what people of a role may do, and why a request is allowed or not: for an account by what is in the database (its
role's policy in the tenant, consents, emergency accesses), for a role by its policy alone. No server has to run.
  --user     login of an account of the tenant; with --role who asks: Practitioner/1, Patient/1, RelatedPerson/1
  --scope    what the app was granted; user/*.cruds if absent
  --patient  the patient of the launch, which patient scopes are about
  --policy   a policy of the tenant's own (Parameters) in place of the default one; show --json prints one to begin with
  --grants   also what the request is checked with

Roles: ${ROLES.join(', ')}
Exit code of explain: 0 when something is allowed, 1 when nothing is.`,

  async run(args) {
    const { values, positionals } = parse(
      args,
      {
        role: { type: 'string' },
        scope: { type: 'string' },
        patient: { type: 'string' },
        user: { type: 'string' },
        tenant: { type: 'string' },
        request: { type: 'string' },
        policy: { type: 'string' },
        json: { type: 'boolean' },
        grants: { type: 'boolean' },
      },
      [1, 2],
    );
    const [action, name] = positionals;
    switch (action) {
      case 'list':
        for (const { role, title } of DEFAULT_POLICIES.values()) console.log(`${role.padEnd(18)} ${title}`);
        return 0;
      case 'show':
        return show(name, values.json === true, overridesIn(values.policy));
      case 'explain':
        if (values.tenant !== undefined) return await explainAccount(values, values.tenant);
        return explain(values, overridesIn(values.policy));
      default:
        throw new UsageError(`"${action}" is not list, show or explain`);
    }
  },
};

function overridesIn(file: string | undefined): PolicyOverrides | undefined {
  if (file === undefined) return undefined;
  try {
    return policyOverrides([parseJson(readFileSync(file, 'utf8')) as Resource], loadDefinitions());
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    throw new UsageError(`${file}: ${error.issues.map(({ diagnostics }) => diagnostics).join('; ')}`);
  }
}

function show(name: string | undefined, asJson: boolean, overrides: PolicyOverrides | undefined): number {
  const found = name === undefined ? undefined : policyOf(name, overrides);
  if (found === undefined) throw new UsageError(`"${name ?? ''}" is no role`);
  if (asJson) {
    console.log(JSON.stringify(policyResource(found), undefined, 2));
    return 0;
  }
  console.log(`${found.role}: ${found.title}`);
  if (found.ownPatients) console.log('Only in the records of own patients.');
  for (const { types, except, may, search } of found.rules) {
    const what =
      types === '*'
        ? `all types${except === undefined ? '' : ` but ${except.join(', ')}`}`
        : types.join(', ');
    console.log(`  ${may.padEnd(6)} ${what}${search === undefined ? '' : ` where ${search}`}`);
  }
  if (found.hiddenLabels.length > 0) console.log(`Hidden labels: ${found.hiddenLabels.join(' ')}`);
  for (const [type, paths] of Object.entries(found.hiddenElements))
    console.log(`Hidden elements of ${type}: ${paths.join(', ')}`);
  return 0;
}

function explain(
  values: {
    role?: string;
    scope?: string;
    patient?: string;
    user?: string;
    request?: string;
    grants?: boolean;
  },
  overrides: PolicyOverrides | undefined,
): number {
  const { role, user, patient, request } = values;
  if (role === undefined) throw new UsageError('--role is missing, or --tenant for an account');
  const routed = routeOf(request);
  const token: TokenClaims = {
    clientId: 'cli',
    subject: user ?? role,
    role,
    scopes: values.scope ?? 'user/*.cruds',
    ...(user === undefined ? {} : { fhirUser: user }),
    ...(patient === undefined ? {} : { patient }),
  };
  const facts = overrides === undefined ? {} : { overrides };
  const { allowed, reasons } = explainRequest(token, routed, facts);
  for (const reason of reasons) console.log(reason);
  if (values.grants === true)
    console.log(JSON.stringify(accessScopeOf(token, { id: 0, name: '' }, facts).grants, undefined, 2));
  return allowed === 'none' ? 1 : 0;
}

/** @throws UsageError for what is no request of the API */
function routeOf(request: string | undefined): Route {
  const match = /^([A-Z]+) \/?([^?]*)(?:\?.*)?$/.exec(request ?? '');
  if (match === null) throw new UsageError('--request must be a method and a path, such as "GET Patient/1"');
  try {
    return route(match[1] as string, (match[2] as string).split('/').filter(Boolean));
  } catch (error) {
    if (error instanceof FhirError) throw new UsageError(error.message);
    throw error;
  }
}

async function explainAccount(
  values: {
    role?: string;
    policy?: string;
    user?: string;
    scope?: string;
    patient?: string;
    request?: string;
    grants?: boolean;
  },
  tenant: string,
): Promise<number> {
  const { user, scope = 'user/*.cruds', patient, request } = values;
  if (user === undefined) throw new UsageError('--user is missing: the login of an account');
  if (values.role !== undefined || values.policy !== undefined)
    throw new UsageError('With --tenant the role and its policy are those in the database');
  const asked = { tenant, login: user, scopes: scope, patient, route: routeOf(request) };
  // It takes half of the server: loaded only when an account is asked about.
  const { explainForAccount } = await import('./policy-account.ts');
  const { allowed, reasons, grants } = await explainForAccount(loadConfig(), asked);
  for (const reason of reasons) console.log(reason);
  if (values.grants === true) console.log(JSON.stringify(grants, undefined, 2));
  return allowed ? 0 : 1;
}
