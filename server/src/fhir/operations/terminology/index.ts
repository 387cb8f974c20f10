import type { Operation } from '../operations.ts';
import { findMatches, lookup, subsumes } from './code-system.ts';
import { closure, translate } from './concept-map.ts';
import { expand } from './expand.ts';
import { batchValidate, validateInCodeSystem, validateInValueSet } from './validate-code.ts';

const HL7 = 'http://hl7.org/fhir/OperationDefinition/';
const OWN = 'https://vesta.health/fhir/OperationDefinition/';

/** The terminology operations, as {@link Operation}s of the server. */
export const TERMINOLOGY_OPERATIONS: readonly Operation[] = [
  {
    name: 'lookup',
    definition: `${HL7}CodeSystem-lookup`,
    types: ['CodeSystem'],
    levels: ['type', 'instance'],
    safe: true,
    handle: lookup,
  },
  {
    name: 'validate-code',
    definition: `${HL7}CodeSystem-validate-code`,
    types: ['CodeSystem'],
    levels: ['type', 'instance'],
    safe: true,
    handle: validateInCodeSystem,
  },
  {
    name: 'subsumes',
    definition: `${HL7}CodeSystem-subsumes`,
    types: ['CodeSystem'],
    levels: ['type', 'instance'],
    safe: true,
    handle: subsumes,
  },
  {
    name: 'find-matches',
    definition: `${HL7}CodeSystem-find-matches`,
    types: ['CodeSystem'],
    levels: ['type', 'instance'],
    safe: true,
    handle: findMatches,
  },
  {
    name: 'expand',
    definition: `${HL7}ValueSet-expand`,
    types: ['ValueSet'],
    levels: ['type', 'instance'],
    safe: true,
    handle: expand,
  },
  {
    name: 'validate-code',
    definition: `${HL7}ValueSet-validate-code`,
    types: ['ValueSet'],
    levels: ['type', 'instance'],
    safe: true,
    handle: validateInValueSet,
  },
  {
    name: 'batch-validate-code',
    definition: `${OWN}batch-validate-code`,
    types: ['ValueSet', 'CodeSystem'],
    levels: ['type'],
    safe: true,
    handle: batchValidate,
  },
  {
    name: 'translate',
    definition: `${HL7}ConceptMap-translate`,
    types: ['ConceptMap'],
    levels: ['type', 'instance'],
    safe: true,
    handle: translate,
  },
  {
    name: 'closure',
    definition: `${HL7}ConceptMap-closure`,
    types: [],
    levels: ['system'],
    safe: false,
    handle: closure,
  },
];
