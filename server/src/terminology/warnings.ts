import type { JsonObject } from '../json/types.ts';
import { joinCanonical } from './canonical.ts';
import { type TxIssue, txIssue } from './issues.ts';
import { extensionText, STANDARDS_STATUS, stringOf } from './json.ts';
import type { SystemInfo } from './model.ts';

/** What the publisher says of a definition's state. */
export interface Publication {
  readonly type: 'CodeSystem' | 'ValueSet' | 'ConceptMap';
  /** `url|version`. */
  readonly name: string;
  readonly status?: string;
  readonly standardsStatus?: string;
  readonly experimental: boolean;
}

export function publicationOf(resource: JsonObject): Publication {
  const status = stringOf(resource['status']);
  const standardsStatus = extensionText(resource, STANDARDS_STATUS);
  return {
    type: resource['resourceType'] as Publication['type'],
    name: joinCanonical(stringOf(resource['url']) ?? '', stringOf(resource['version'])),
    experimental: resource['experimental'] === true,
    ...(status === undefined ? {} : { status }),
    ...(standardsStatus === undefined ? {} : { standardsStatus }),
  };
}

export function publicationOfSystem(info: SystemInfo): Publication {
  const { url, version, status, standardsStatus, experimental } = info;
  return {
    type: 'CodeSystem',
    name: joinCanonical(url, version),
    experimental: experimental === true,
    ...(status === undefined ? {} : { status }),
    ...(standardsStatus === undefined ? {} : { standardsStatus }),
  };
}

type State = 'deprecated' | 'withdrawn' | 'retired' | 'experimental' | 'draft';

function stateOf({ status, standardsStatus, experimental }: Publication): State | undefined {
  if (standardsStatus === 'deprecated' || standardsStatus === 'withdrawn') return standardsStatus;
  if (status === 'retired') return 'retired';
  if (experimental) return 'experimental';
  return status === 'draft' || standardsStatus === 'draft' ? 'draft' : undefined;
}

function isDraft({ status, standardsStatus }: Publication): boolean {
  return status === 'draft' || standardsStatus === 'draft';
}

/** Name of the expansion parameter that warns of a definition which `source` draws on, unless that is in the same state. */
export function expansionWarning(used: Publication, source: Publication): string | undefined {
  const state = stateOf(used);
  if (state === undefined) return undefined;
  const same =
    state === 'deprecated' || state === 'withdrawn'
      ? source.standardsStatus === state
      : state === 'retired'
        ? source.status === 'retired'
        : state === 'experimental'
          ? source.experimental
          : isDraft(source);
  return same ? undefined : `warning-${state}`;
}

/** The note of `$validate-code` on a definition that `source` draws on (or that was asked for itself). */
export function validationNote(used: Publication, source: Publication): TxIssue | undefined {
  const note = (id: 'MSG_DEPRECATED' | 'MSG_WITHDRAWN' | 'MSG_RETIRED' | 'MSG_EXPERIMENTAL') =>
    txIssue('information', 'business-rule', 'status-check', undefined, id, used.name, '', used.type);
  const state = stateOf(used);
  switch (state) {
    case 'deprecated':
      return note('MSG_DEPRECATED');
    case 'withdrawn':
      return note('MSG_WITHDRAWN');
    case 'retired':
      return note('MSG_RETIRED');
    case 'experimental':
      if (!source.experimental) return note('MSG_EXPERIMENTAL');
      break;
    default:
  }
  if (!isDraft(used) || isDraft(source)) return undefined;
  return txIssue(
    'information',
    'business-rule',
    'status-check',
    undefined,
    'MSG_DRAFT_SRC_STATUS',
    used.name,
    source.name,
    used.type,
    source.status,
    source.type,
  );
}
