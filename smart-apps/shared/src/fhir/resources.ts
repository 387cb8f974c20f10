import type {
  Address,
  Annotation,
  Attachment,
  CodeableConcept,
  Coding,
  ContactPoint,
  Dosage,
  HumanName,
  Identifier,
  Period,
  Quantity,
  Reference,
  Resource,
  ValueElements,
} from './types.ts';

export interface Patient extends Resource {
  resourceType: 'Patient';
  active?: boolean;
  identifier?: Identifier[];
  name?: HumanName[];
  telecom?: ContactPoint[];
  gender?: string;
  birthDate?: string;
  deceasedBoolean?: boolean;
  deceasedDateTime?: string;
  address?: Address[];
  communication?: { language: CodeableConcept; preferred?: boolean }[];
}

export interface Practitioner extends Resource {
  resourceType: 'Practitioner';
  name?: HumanName[];
  telecom?: ContactPoint[];
}

export interface PractitionerRole extends Resource {
  resourceType: 'PractitionerRole';
  practitioner?: Reference;
  organization?: Reference;
  location?: Reference[];
  healthcareService?: Reference[];
  specialty?: CodeableConcept[];
  code?: CodeableConcept[];
}

export interface RelatedPerson extends Resource {
  resourceType: 'RelatedPerson';
  active?: boolean;
  patient: Reference;
  relationship?: CodeableConcept[];
  name?: HumanName[];
  telecom?: ContactPoint[];
  birthDate?: string;
}

export interface HealthcareService extends Resource {
  resourceType: 'HealthcareService';
  active?: boolean;
  name?: string;
  specialty?: CodeableConcept[];
  type?: CodeableConcept[];
  comment?: string;
  location?: Reference[];
}

export interface Location extends Resource {
  resourceType: 'Location';
  name?: string;
  address?: Address;
  telecom?: ContactPoint[];
}

export interface Organization extends Resource {
  resourceType: 'Organization';
  name?: string;
  identifier?: Identifier[];
  address?: Address[];
  partOf?: Reference;
  type?: CodeableConcept[];
}

export interface Appointment extends Resource {
  resourceType: 'Appointment';
  status: string;
  serviceType?: CodeableConcept[];
  specialty?: CodeableConcept[];
  appointmentType?: CodeableConcept;
  reasonCode?: CodeableConcept[];
  cancelationReason?: CodeableConcept;
  description?: string;
  comment?: string;
  patientInstruction?: string;
  start?: string;
  end?: string;
  minutesDuration?: number;
  requestedPeriod?: Period[];
  slot?: Reference[];
  participant: { actor?: Reference; status?: string; required?: string; type?: CodeableConcept[] }[];
}

export interface Encounter extends Resource {
  resourceType: 'Encounter';
  status: string;
  class: Coding;
  type?: CodeableConcept[];
  priority?: CodeableConcept;
  subject?: Reference;
  participant?: { individual?: Reference; type?: CodeableConcept[] }[];
  period?: Period;
  reasonCode?: CodeableConcept[];
  location?: { location: Reference }[];
  serviceProvider?: Reference;
}

export interface Condition extends Resource {
  resourceType: 'Condition';
  clinicalStatus?: CodeableConcept;
  verificationStatus?: CodeableConcept;
  category?: CodeableConcept[];
  severity?: CodeableConcept;
  code?: CodeableConcept;
  subject: Reference;
  encounter?: Reference;
  onsetDateTime?: string;
  onsetPeriod?: Period;
  onsetString?: string;
  abatementDateTime?: string;
  recordedDate?: string;
  note?: Annotation[];
}

export interface AllergyIntolerance extends Resource {
  resourceType: 'AllergyIntolerance';
  clinicalStatus?: CodeableConcept;
  verificationStatus?: CodeableConcept;
  category?: string[];
  criticality?: string;
  code?: CodeableConcept;
  patient: Reference;
  onsetDateTime?: string;
  recordedDate?: string;
  reaction?: { manifestation: CodeableConcept[]; severity?: string; description?: string }[];
  note?: Annotation[];
}

export interface MedicationRequest extends Resource {
  resourceType: 'MedicationRequest';
  status: string;
  intent: string;
  medicationCodeableConcept?: CodeableConcept;
  medicationReference?: Reference;
  subject: Reference;
  encounter?: Reference;
  authoredOn?: string;
  requester?: Reference;
  reasonCode?: CodeableConcept[];
  dosageInstruction?: Dosage[];
  note?: Annotation[];
}

export interface Observation extends Resource, ValueElements {
  resourceType: 'Observation';
  status: string;
  category?: CodeableConcept[];
  code: CodeableConcept;
  subject?: Reference;
  encounter?: Reference;
  effectiveDateTime?: string;
  effectiveInstant?: string;
  effectivePeriod?: Period;
  issued?: string;
  dataAbsentReason?: CodeableConcept;
  interpretation?: CodeableConcept[];
  note?: Annotation[];
  referenceRange?: { low?: Quantity; high?: Quantity; text?: string }[];
  component?: (ValueElements & { code: CodeableConcept; interpretation?: CodeableConcept[] })[];
}

export interface DiagnosticReport extends Resource {
  resourceType: 'DiagnosticReport';
  status: string;
  category?: CodeableConcept[];
  code: CodeableConcept;
  subject?: Reference;
  effectiveDateTime?: string;
  effectivePeriod?: Period;
  issued?: string;
  conclusion?: string;
  result?: Reference[];
  presentedForm?: Attachment[];
}

export interface DocumentReference extends Resource {
  resourceType: 'DocumentReference';
  status: string;
  type?: CodeableConcept;
  category?: CodeableConcept[];
  subject?: Reference;
  date?: string;
  author?: Reference[];
  description?: string;
  content: { attachment: Attachment; format?: Coding }[];
  context?: { encounter?: Reference[]; period?: Period };
}

export interface Immunization extends Resource {
  resourceType: 'Immunization';
  status: string;
  statusReason?: CodeableConcept;
  vaccineCode: CodeableConcept;
  patient: Reference;
  occurrenceDateTime?: string;
  occurrenceString?: string;
}

export interface Procedure extends Resource {
  resourceType: 'Procedure';
  status: string;
  code?: CodeableConcept;
  subject: Reference;
  performedDateTime?: string;
  performedPeriod?: Period;
}

export interface Communication extends Resource {
  resourceType: 'Communication';
  identifier?: Identifier[];
  status: string;
  category?: CodeableConcept[];
  topic?: CodeableConcept;
  subject?: Reference;
  sender?: Reference;
  recipient?: Reference[];
  sent?: string;
  received?: string;
  inResponseTo?: Reference[];
  about?: Reference[];
  payload?: { contentString?: string; contentAttachment?: Attachment; contentReference?: Reference }[];
}

export interface Consent extends Resource {
  resourceType: 'Consent';
  status: string;
  scope: CodeableConcept;
  category: CodeableConcept[];
  patient?: Reference;
  dateTime?: string;
  performer?: Reference[];
  policy?: { uri?: string }[];
  policyRule?: CodeableConcept;
  provision?: {
    type?: 'deny' | 'permit';
    period?: Period;
    actor?: { role: CodeableConcept; reference: Reference }[];
    action?: CodeableConcept[];
    class?: Coding[];
    code?: CodeableConcept[];
    provision?: Consent['provision'][];
  };
}

export interface Task extends Resource {
  resourceType: 'Task';
  basedOn?: Reference[];
  status: string;
  statusReason?: CodeableConcept;
  intent: string;
  priority?: string;
  code?: CodeableConcept;
  description?: string;
  focus?: Reference;
  for?: Reference;
  encounter?: Reference;
  authoredOn?: string;
  requester?: Reference;
  performerType?: CodeableConcept[];
  owner?: Reference;
  reasonCode?: CodeableConcept;
  note?: Annotation[];
  input?: (ValueElements & { type: CodeableConcept; valueReference?: Reference })[];
  output?: (ValueElements & { type: CodeableConcept; valueReference?: Reference })[];
}

export interface RiskAssessment extends Resource {
  resourceType: 'RiskAssessment';
  status: string;
  subject: Reference;
  encounter?: Reference;
  occurrenceDateTime?: string;
  method?: CodeableConcept;
  basis?: Reference[];
  prediction?: { qualitativeRisk?: CodeableConcept; rationale?: string; outcome?: CodeableConcept }[];
  note?: Annotation[];
}
