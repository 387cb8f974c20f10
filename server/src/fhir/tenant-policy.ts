import {
  type CommunicationPolicy,
  communicationFault,
  communicationPolicyOf,
  communicationSettings,
  DEFAULT_COMMUNICATION,
  isCommunicationSetting,
} from '../communication/tenant-settings.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { checkFieldSetting, SYSTEMS_SETTING, TYPES_SETTING } from '../security/fields/policy.ts';

/** What a write is checked against before it is stored. Each level includes those before it. */
export type WriteValidation = 'off' | 'structure' | 'declared' | 'required';

/** What a tenant has decided for itself: the part of store.tenant.config that the FHIR API observes. */
export interface TenantPolicy {
  readonly validation: {
    /**
     * `off`: only that it is a resource which can be read and indexed. `structure` (default): the R4 definitions.
     * `declared`: also R4's invariants and bindings, and the profiles in meta.profile. `required`: also the profiles
     * that {@link required} names for the type.
     */
    readonly writes: WriteValidation;
    /** Canonical URLs of the profiles that every resource of a type must follow. */
    readonly required: ReadonlyMap<string, readonly string[]>;
    /** What a warning does: nothing, it is told with `Prefer: return=OperationOutcome` (default), or it refuses the write. */
    readonly warnings: 'ignore' | 'report' | 'refuse';
    /** How a profile is judged that is declared and not known. Default `warning`. */
    readonly unknownProfiles: 'warning' | 'error';
  };
  /** Whether a resource without `text` gets a narrative from the server. Default false. */
  readonly narrative: boolean;
  /** Whether resources with sensitive codes get security labels, where access is controlled. Default true. */
  readonly labelling: boolean;
  /** What agents do of themselves and what they ask for, by `agent.action`, where the tenant has decided. */
  readonly autonomy: ReadonlyMap<string, Autonomy>;
  /** Tokens of the language model that the tenant may use in a day (UTC); undefined: what the server allows. */
  readonly tokensPerDay: number | undefined;
  /** Whether EHRs may call CDS services without a JWT that proves them; undefined: where nobody else needs proof either. */
  readonly unsignedCdsClients: 'refuse' | 'allow' | undefined;
  /** How people are written to. */
  readonly communication: CommunicationPolicy;
}

/** Whether an agent does something or asks a person to approve it. */
export type Autonomy = 'acts' | 'asks';

export const DEFAULT_POLICY: TenantPolicy = {
  validation: { writes: 'structure', required: new Map(), warnings: 'report', unknownProfiles: 'warning' },
  narrative: false,
  labelling: true,
  autonomy: new Map(),
  tokensPerDay: undefined,
  unsignedCdsClients: undefined,
  communication: DEFAULT_COMMUNICATION,
};

/** Thrown for a setting that is not understood; the message is for the operator. */
export class PolicyError extends Error {}

const CHOICES = {
  'validation.writes': ['off', 'structure', 'declared', 'required'],
  'validation.warnings': ['ignore', 'report', 'refuse'],
  'validation.unknownProfiles': ['warning', 'error'],
  narrative: ['off', 'on'],
  labelling: ['off', 'on'],
  'cds.unsignedClients': ['refuse', 'allow'],
} as const;

const REQUIRED = 'validation.required.';
/** Before the name of an agent, a dot and the code of an action. */
export const AUTONOMY = 'agents.autonomy.';
const TOKENS = 'agents.tokensPerDay';

/** The names of all settings with what they allow, for `--help`. */
export function policySettings(): { name: string; allowed: string }[] {
  return [
    ...Object.entries(CHOICES).map(([name, values]) => ({ name, allowed: values.join(', ') })),
    { name: `${REQUIRED}TYPE`, allowed: "profiles' canonical URLs, separated by commas; empty for none" },
    { name: `${AUTONOMY}AGENT.ACTION`, allowed: 'acts, asks' },
    { name: TOKENS, allowed: 'a whole number; 0 for no language model' },
    ...communicationSettings(),
    { name: SYSTEMS_SETTING, allowed: 'identifier systems, separated by commas, or none' },
    { name: TYPES_SETTING, allowed: 'identifier types of table 0203, separated by commas, or none' },
  ];
}

/**
 * Checks one setting of a tenant.
 * @param isType whether a name is a resource type
 * @returns the value to be kept; undefined to go back to the default
 * @throws PolicyError naming what is wrong
 */
export function checkSetting(
  name: string,
  value: string,
  isType: (name: string) => boolean,
): string | string[] | undefined {
  if (name.startsWith(REQUIRED)) {
    const type = name.slice(REQUIRED.length);
    if (!isType(type)) throw new PolicyError(`${name}: "${type}" is no resource type`);
    const profiles = value.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
    const wrong = profiles.find((profile) => !/^[a-z][a-z0-9+.-]*:\S+$/i.test(profile));
    if (wrong !== undefined) throw new PolicyError(`${name}: "${wrong}" is no canonical URL`);
    return profiles.length === 0 ? undefined : profiles;
  }
  if (name.startsWith(AUTONOMY)) {
    if (!/^[a-z][a-z-]*\.[a-z][a-z-]*$/.test(name.slice(AUTONOMY.length)))
      throw new PolicyError(`${name}: after ${AUTONOMY} come an agent's name, a dot and an action's code`);
    if (value === '') return undefined;
    if (value !== 'acts' && value !== 'asks')
      throw new PolicyError(`${name} is acts or asks, not "${value}"`);
    return value;
  }
  if (name === TOKENS) {
    if (value === '') return undefined;
    if (!/^\d{1,12}$/.test(value)) throw new PolicyError(`${name} is a whole number, not "${value}"`);
    return value;
  }
  if (isCommunicationSetting(name)) {
    if (value === '') return undefined;
    const allowed = communicationFault(name, value);
    if (allowed !== undefined) throw new PolicyError(`${name} is ${allowed}, not "${value}"`);
    return value;
  }
  if (name === SYSTEMS_SETTING || name === TYPES_SETTING) {
    try {
      return value.trim() === '' ? undefined : checkFieldSetting(name, value);
    } catch (error) {
      throw new PolicyError((error as RangeError).message);
    }
  }
  if (!Object.hasOwn(CHOICES, name)) {
    const names = policySettings().map((setting) => setting.name);
    throw new PolicyError(`There is no setting "${name}"; there are ${names.join(', ')}`);
  }
  if (value === '') return undefined;
  const choices: readonly string[] = CHOICES[name as keyof typeof CHOICES];
  if (!choices.includes(value)) throw new PolicyError(`${name} is ${choices.join(' or ')}, not "${value}"`);
  return value;
}

/**
 * The policy that a tenant's settings make: a flat object of names as {@link policySettings} lists them. What is not
 * understood counts as not set, so that a server of another version can still serve the tenant.
 */
export function policyOf(config: JsonObject): TenantPolicy {
  const choice = <T extends string | undefined>(name: keyof typeof CHOICES, fallback: T): T => {
    const value = config[name];
    return (CHOICES[name] as readonly JsonValue[]).includes(value as JsonValue) ? (value as T) : fallback;
  };
  const required = new Map<string, readonly string[]>();
  const autonomy = new Map<string, Autonomy>();
  for (const [name, value] of Object.entries(config)) {
    if (name.startsWith(AUTONOMY) && (value === 'acts' || value === 'asks'))
      autonomy.set(name.slice(AUTONOMY.length), value);
    if (name.startsWith(REQUIRED) && Array.isArray(value))
      required.set(name.slice(REQUIRED.length), value.map(String));
  }
  const { validation, narrative, labelling } = DEFAULT_POLICY;
  const tokens = config[TOKENS];
  return {
    validation: {
      writes: choice('validation.writes', validation.writes),
      required,
      warnings: choice('validation.warnings', validation.warnings),
      unknownProfiles: choice('validation.unknownProfiles', validation.unknownProfiles),
    },
    narrative: choice('narrative', narrative ? 'on' : 'off') === 'on',
    labelling: choice('labelling', labelling ? 'on' : 'off') === 'on',
    autonomy,
    communication: communicationPolicyOf(config),
    tokensPerDay: typeof tokens === 'string' && /^\d{1,12}$/.test(tokens) ? Number(tokens) : undefined,
    unsignedCdsClients: choice<TenantPolicy['unsignedCdsClients']>('cds.unsignedClients', undefined),
  };
}
