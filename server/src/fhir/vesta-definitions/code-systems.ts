import { DEFAULT_POLICIES } from '../../access/policies/index.ts';
import { KINDS, type Kind, VESTA_EVENT } from '../../audit/kinds.ts';
import type { Resource } from '../../json/types.ts';
import { definition, pascalCase } from './common.ts';

interface Concept {
  readonly code: string;
  readonly display: string;
}

/** The code systems (R4 codesystem.html) that Vesta's resources use where no standard one has the words. */
export function codeSystems(): Resource[] {
  const roles = [...DEFAULT_POLICIES.values()].map(({ role, title }) => ({ code: role, display: title }));
  const events = Object.values<Kind>(KINDS)
    .flatMap(({ subtype }) => subtype)
    .filter(({ system }) => system === VESTA_EVENT)
    .map(({ code, display }) => ({ code, display }));
  return [
    codeSystem('role', 'Roles', 'What the people and clients of a tenant may be.', roles),
    codeSystem(
      'audit-event',
      'Events of the audit log',
      'Kinds of events for which DICOM, IHE and FHIR have no code.',
      events,
    ),
    codeSystem('sensitivity', 'Sensitivities', 'Sensitivities for which v3 ActCode has no code.', [
      { code: 'legal', display: 'legal proceedings' },
    ]),
    codeSystem('communication-category', 'Categories of Communications', 'What the server itself tells.', [
      { code: 'break-glass', display: 'Break the glass' },
    ]),
  ];
}

function codeSystem(id: string, title: string, description: string, concepts: readonly Concept[]): Resource {
  return {
    ...definition('CodeSystem', id, `Vesta${pascalCase(id)}`, title),
    description,
    caseSensitive: true,
    content: 'complete',
    count: concepts.length,
    concept: concepts.map(({ code, display }) => ({ code, display })),
  };
}
