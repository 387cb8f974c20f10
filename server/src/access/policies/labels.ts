const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
/** Sensitivities for which v3 ActCode has no code. */
export const OWN_SENSITIVITY = 'https://vesta.health/fhir/CodeSystem/sensitivity';

/** Category of the Communications that tell of emergency accesses. */
export const BREAK_GLASS_CATEGORY = 'https://vesta.health/fhir/CodeSystem/communication-category|break-glass';

const sensitivity = (...codes: string[]): string[] => codes.map((code) => `${ACT_CODE}|${code}`);

/** Very restricted: only by break-glass or for who is entitled by name. */
export const VERY_RESTRICTED = [`${CONFIDENTIALITY}|V`];
/** Notes that a psychotherapist keeps apart (45 CFR 164.501). */
export const PSYCHOTHERAPY_NOTES = sensitivity('PSYTHPN');
/** Records of legal proceedings. */
export const LEGAL = [`${OWN_SENSITIVITY}|legal`];
export const MENTAL_HEALTH = sensitivity('BH', 'COGN', 'DVD', 'EMOTDIS', 'MH', 'PSY', 'PSYTHPN');
/** Substance use disorder records (42 CFR Part 2 among them). */
export const SUBSTANCE_USE = sensitivity('ETH', 'SUD', 'ETHUD', 'OPIOIDUD');
export const SEXUAL_HEALTH = sensitivity('SEX', 'STD', 'HIV', 'SDV', 'MST');

/** Everything that is seen only by those entitled: restricted by confidentiality or by what it is about. */
export const RESTRICTED: readonly string[] = [
  `${CONFIDENTIALITY}|R`,
  ...VERY_RESTRICTED,
  ...LEGAL,
  ...MENTAL_HEALTH,
  ...SUBSTANCE_USE,
  ...SEXUAL_HEALTH,
  ...sensitivity('GDIS', 'SPI', 'TBOO', 'VIO', 'CEL'),
];

/** Category of the messages of conversations with patients. */
export const CHAT_CATEGORY = 'https://vesta.health/fhir/CodeSystem/communication-category|chat';
/** Code of the Tasks of those whom conversations ask for. */
export const CONVERSATION_TASK = 'https://vesta.health/fhir/CodeSystem/task|conversation';
