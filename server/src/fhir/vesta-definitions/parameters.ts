import { AGENTS } from '../../agents/registry.ts';
import { AGENT_RUNS_TEXT } from '../operations/agent-runs-text.ts';
import { agentOperationTexts } from '../operations/agents.ts';
import { APPOINTMENT_TEXTS } from '../operations/appointment/texts.ts';
import { COMMUNICATION_TEXTS } from '../operations/communication/texts.ts';
import { PUSH_TEXTS } from '../operations/push-texts.ts';
import { WORKFLOW_TEXTS } from '../operations/workflow/texts.ts';
import {
  answered,
  type Cardinality,
  given,
  type OperationText,
  type ParameterDefinition,
} from './parameter.ts';

export type { OperationText, ParameterDefinition } from './parameter.ts';

const ACCESS = answered(
  'access',
  '0..*',
  [
    answered(
      'subject',
      '1..1',
      'Any',
      'Who has the access: a Reference, or a string for a subject that is no resource.',
    ),
    answered('purpose', '1..1', 'Coding', 'BTG or ETREAT of v3 ActReason.'),
    answered('reason', '1..1', 'string', 'The reason that was given.'),
    answered('period', '1..1', 'Period', 'From when until when the record is open.'),
  ],
  'An emergency access to the record.',
);

const packageNames = (cardinality: Cardinality): ParameterDefinition[] => [
  given('name', cardinality, 'string', 'A package: its name, or name#version.'),
  given('version', '0..1', 'string', 'Its version, where one name without a version is given.'),
];

const PACKAGE = answered(
  'package',
  '0..*',
  [
    answered('name', '1..1', 'string', 'The name of the package.'),
    answered('version', '1..1', 'string', 'Its version.'),
    answered('title', '0..1', 'string', 'Its title.'),
    answered('canonical', '0..1', 'uri', 'The base of its canonical URLs.'),
    answered('fhirVersion', '0..*', 'code', 'A version of FHIR that it is for.'),
    answered(
      'owner',
      '1..1',
      'code',
      '`tenant` for one of the tenant, `shared` for one of the installation.',
    ),
    answered('active', '1..1', 'boolean', 'Whether what it brings counts.'),
    answered('installed', '1..1', 'instant', 'When it was installed.'),
    answered('dependency', '0..*', 'string', 'A package that it needs, as name#version.'),
  ],
  'A package, as it is after the call.',
);

/** By the last part of the OperationDefinition's URL, mostly the operation's name: each operation of Vesta's own. */
export const OPERATION_TEXTS: Readonly<Record<string, OperationText>> = {
  ...APPOINTMENT_TEXTS,
  ...COMMUNICATION_TEXTS,
  ...PUSH_TEXTS,
  ...WORKFLOW_TEXTS,
  ...agentOperationTexts(AGENTS),
  'agent-runs': AGENT_RUNS_TEXT,
  fhirpath: {
    title: 'Evaluate a FHIRPath expression',
    description:
      'Evaluates a FHIRPath expression on a resource, with the parameters and the answer of the server engines of the public FHIRPath Lab. At instance level the resource is the stored one; a body that is a resource other than Parameters is the parameter `resource`.',
    parameters: [
      given('expression', '1..1', 'string', 'The expression, at most 65,536 characters.'),
      given(
        'resource',
        '0..1',
        'Resource',
        'What it is evaluated on: a resource, or its text in the extension json-value or xml-value. Not at instance level.',
      ),
      given(
        'context',
        '0..1',
        'string',
        'An expression whose results the other one is evaluated on, one at a time.',
      ),
      given(
        'variables',
        '0..1',
        'Element',
        'A part for each variable: its name, and its value, resource or extension json-value. Parts of one name are one variable with several values.',
      ),
      given(
        'strict',
        '0..1',
        'boolean',
        'Whether elements that the types do not have are an error (true by default) or give nothing.',
      ),
      answered(
        'parameters',
        '1..1',
        [
          answered('evaluator', '1..1', 'string', 'What evaluated it.'),
          answered('expression', '1..1', 'string', 'As it was asked.'),
          answered('context', '0..1', 'string', 'As it was asked.'),
          answered('resource', '0..1', 'Resource', 'What it was evaluated on.'),
          answered('variables', '0..1', 'Element', 'As they were asked.'),
        ],
        'What was asked.',
      ),
      answered(
        'result',
        '0..*',
        'string',
        'A result for each context, with the path of the context as value. Its parts have the type as name and the value, or the extension json-value where Parameters has no place for the type; what trace() was given follows in parts named trace.',
      ),
    ],
  },
  reindex: {
    title: 'Renew index entries',
    description:
      "Brings the index entries of resources up to date with the tenant's search parameters. Of one resource at once; of a type or of everything as a job (202 and Content-Location, R4 async.html). For who may use operations on all of the types.",
    parameters: [
      given('type', '0..*', 'code', 'Only resources of this type. Not at instance level.'),
      given(
        'url',
        '0..*',
        'uri',
        'Only the base types of this SearchParameter, by canonical URL or id. Not at instance level.',
      ),
      given(
        'searchParameter',
        '0..*',
        'Any',
        'As url; a uri, canonical or string, or a Reference to the SearchParameter.',
      ),
      answered('examined', '1..1', 'integer', 'How many resources were looked at.'),
      answered('changed', '1..1', 'integer', 'How many had other index entries.'),
      answered('ready', '0..*', 'Reference', 'A SearchParameter that can be used from now on.'),
      answered(
        'refused',
        '0..1',
        'integer',
        'How many have more combinations of values than can be indexed.',
      ),
      answered('refusedResource', '0..*', 'Reference', 'One of these.'),
    ],
  },
  disclosures: {
    title: 'Accounting of disclosures',
    description:
      "Who has got a patient's data, when, what and why (45 CFR 164.528), the newest first, from the audit log; the patient's own accesses are none. For who may search the patient's AuditEvents.",
    parameters: [
      given(
        'start',
        '0..1',
        'dateTime',
        'Not what was before; any precision. By default six years before now.',
      ),
      given('end', '0..1', 'dateTime', 'Not what was after; any precision. By default now.'),
      given(
        'all',
        '0..1',
        'boolean',
        'Also those for treatment, payment and operations, and by patients themselves; false by default.',
      ),
      answered('patient', '1..1', 'Reference', 'Whose data.'),
      answered('period', '1..1', 'Period', 'The time that the answer is for.'),
      answered(
        'disclosure',
        '0..*',
        [
          answered('date', '1..1', 'instant', 'When.'),
          answered('recipient', '1..1', 'string', 'Who got it: a reference, or the id of a client.'),
          answered('role', '0..1', 'string', 'In which role.'),
          answered('client', '0..1', 'string', 'By which app or service.'),
          answered('what', '0..1', 'string', 'What was asked.'),
          answered('purpose', '0..1', 'Coding', 'What for (v3 ActReason).'),
          answered('event', '1..1', 'Reference', 'The AuditEvent.'),
        ],
        'One disclosure.',
      ),
    ],
  },
  'break-glass': {
    title: 'Open a record in an emergency',
    description:
      "By POST somebody whose role may opens a patient's record for reading: until it ends, labels and consents keep nothing of it from them. It is recorded, told by a Communication and by mail, and ends by itself or by $break-glass-end. By GET those that are open are listed: one's own, for org_admin and super_admin all; then no parameter is looked at.",
    parameters: [
      given('reason', '0..1', 'string', 'Why; needed with POST.'),
      given('purpose', '0..1', 'code', 'BTG or ETREAT of v3 ActReason; BTG by default.'),
      given('minutes', '0..1', 'positiveInt', 'For how long, at most 240; 60 by default.'),
      ACCESS,
      answered('communication', '0..1', 'Reference', 'With POST: the Communication that tells of it.'),
    ],
  },
  'break-glass-end': {
    title: 'End emergency accesses to a record',
    description:
      "Ends one's own emergency accesses to the record; for org_admin and super_admin everybody's. 404 when none is open.",
    parameters: [ACCESS],
  },
  link: {
    title: 'Make a link to a Binary',
    description:
      'A URL by which the current version of the Binary can be fetched without a token for a short time, for what cannot send one: an image in a page, a download.',
    parameters: [
      given('seconds', '0..1', 'positiveInt', 'How long it can be used: at most 3600; 300 by default.'),
      answered('url', '1..1', 'url', 'The link.'),
      answered('expires', '1..1', 'instant', 'Until when it can be used.'),
    ],
  },
  'batch-validate-code': {
    title: 'Validate many codes at once',
    description:
      'Many calls of $validate-code in one: on a CodeSystem those of its operation, on a ValueSet those of the operation of ValueSet, or of CodeSystem where a call names no value set. Further parameters of $validate-code are for all calls that do not have them themselves.',
    parameters: [
      given('validation', '1..*', 'Parameters', 'The parameters of one call; at most 1000.'),
      given(
        'tx-resource',
        '0..*',
        'Resource',
        'A CodeSystem or ValueSet that the calls use besides those of the tenant.',
      ),
      answered(
        'validation',
        '1..*',
        'Resource',
        'The answer of each call, in order: Parameters as $validate-code gives them, or an OperationOutcome.',
      ),
    ],
  },
  'install-package': {
    title: 'Install a FHIR package',
    description:
      'Installs a package for the tenant, with those that it depends on as far as they are found. The body may be the archive (.tgz) itself, with the flags in the URL. For who may use operations on everything, as all operations on packages.',
    parameters: [
      given(
        'package',
        '0..*',
        'Any',
        'The archive (.tgz): base64Binary, Attachment with data, or Binary. A package or a name is needed.',
      ),
      ...packageNames('0..*'),
      given('active', '0..1', 'boolean', 'Whether what it brings counts at once; true by default.'),
      given(
        'replace',
        '0..1',
        'boolean',
        'Whether it takes the place of one of the same name and version; false by default.',
      ),
      given(
        'strict',
        '0..1',
        'boolean',
        'Whether it is refused when a dependency is missing; false by default.',
      ),
      answered(
        'package',
        '0..*',
        [
          answered('name', '1..1', 'string', 'The name of the package.'),
          answered('version', '1..1', 'string', 'Its version.'),
          answered('outcome', '1..1', 'code', 'installed, replaced or present.'),
          answered('active', '1..1', 'boolean', 'Whether what it brings counts.'),
          answered(
            'requested',
            '1..1',
            'boolean',
            'Whether it was asked for, rather than needed by another.',
          ),
          answered('resources', '1..1', 'integer', 'How many resources it has.'),
          answered('warning', '0..*', 'string', 'What is wrong with it.'),
        ],
        'A package that is there now.',
      ),
      answered(
        'missing',
        '0..*',
        [
          answered('name', '1..1', 'string', 'The name of the package.'),
          answered('version', '1..1', 'string', 'The version that is needed.'),
          answered('for', '1..1', 'string', 'What needs it.'),
        ],
        'A dependency that was not found.',
      ),
      answered('message', '0..1', 'string', 'What to do about those that are missing.'),
    ],
  },
  'list-packages': {
    title: 'List FHIR packages',
    description: 'The packages that the tenant has, its own and the shared ones, active or not.',
    parameters: [PACKAGE],
  },
  'activate-package': {
    title: 'Activate FHIR packages',
    description: 'What the packages bring counts from now on.',
    parameters: [...packageNames('1..*'), PACKAGE],
  },
  'deactivate-package': {
    title: 'Deactivate FHIR packages',
    description: 'What the packages bring does not count any more; they stay installed.',
    parameters: [...packageNames('1..*'), PACKAGE],
  },
  'remove-package': {
    title: 'Remove FHIR packages',
    description: 'Takes packages of the tenant away.',
    parameters: [
      ...packageNames('1..*'),
      given('force', '0..1', 'boolean', 'Also those that others depend on; false by default.'),
      PACKAGE,
    ],
  },
};
