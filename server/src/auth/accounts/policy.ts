/** What a tenant demands of its accounts. */
export interface AccountPolicy {
  /** Roles that need a second factor (or a passkey) to log in; `*` for all. */
  readonly mfaRoles: readonly string[];
  /** Shortest password in code points. */
  readonly minimumPasswordLength: number;
  /** After so long without a page a login has to be repeated, in minutes. */
  readonly idleMinutes: number;
  /** After so long a session ends, in hours; apps with online access go on so long. */
  readonly sessionHours: number;
  /** How recent a login must be for sensitive actions, in minutes. */
  readonly stepUpMinutes: number;
}

export const DEFAULT_ACCOUNT_POLICY: AccountPolicy = {
  mfaRoles: ['super_admin', 'org_admin'],
  minimumPasswordLength: 12,
  idleMinutes: 30,
  sessionHours: 168,
  stepUpMinutes: 10,
};

const NUMBERS = {
  'accounts.minimumPasswordLength': ['minimumPasswordLength', 8, 64],
  'accounts.idleMinutes': ['idleMinutes', 2, 1440],
  'accounts.sessionHours': ['sessionHours', 1, 720],
  'accounts.stepUpMinutes': ['stepUpMinutes', 1, 60],
} as const satisfies Record<string, readonly [keyof AccountPolicy, number, number]>;

const MFA_ROLES = 'accounts.mfaRoles';

/** The settings of tenants that make the policy, with what they allow: for `vesta tenant configure`. */
export function accountSettings(): { name: string; allowed: string }[] {
  return [
    { name: MFA_ROLES, allowed: 'roles separated by commas; * for all, none for none' },
    ...Object.entries(NUMBERS).map(([name, [, least, most]]) => ({ name, allowed: `${least} to ${most}` })),
  ];
}

/**
 * Checks one setting.
 * @returns what is wrong with it; undefined when it is right
 */
export function accountSettingFault(name: string, value: string): string | undefined {
  if (name === MFA_ROLES) {
    return /^(\*|none|[a-z_]+(\s*,\s*[a-z_]+)*)$/.test(value)
      ? undefined
      : `${name} is *, none or roles separated by commas, not "${value}"`;
  }
  const rule = NUMBERS[name as keyof typeof NUMBERS];
  if (rule === undefined) return `There is no setting "${name}"`;
  const [, least, most] = rule;
  return isWithin(value, least, most)
    ? undefined
    : `${name} is a whole number from ${least} to ${most}, not "${value}"`;
}

const isWithin = (value: unknown, least: number, most: number): boolean =>
  /^\d+$/.test(String(value)) && Number(value) >= least && Number(value) <= most;

/** The policy that a tenant's settings (store.tenant.config) make; what is not understood counts as not set. */
export function accountPolicyOf(config: Readonly<Record<string, unknown>>): AccountPolicy {
  const policy: Record<string, unknown> = { ...DEFAULT_ACCOUNT_POLICY };
  for (const [name, [key, least, most]] of Object.entries(NUMBERS)) {
    if (isWithin(config[name], least, most)) policy[key] = Number(config[name]);
  }
  const roles = config[MFA_ROLES];
  if (typeof roles === 'string' && accountSettingFault(MFA_ROLES, roles) === undefined) {
    policy['mfaRoles'] = roles === 'none' ? [] : roles.split(',').map((role) => role.trim());
  }
  return policy as unknown as AccountPolicy;
}

/** Whether people of a role need a second factor. */
export const needsMfa = ({ mfaRoles }: AccountPolicy, role: string): boolean =>
  mfaRoles.includes('*') || mfaRoles.includes(role);
