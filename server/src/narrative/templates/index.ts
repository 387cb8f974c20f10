import type { Template } from '../parts.ts';
import { Appointment, CarePlan, CareTeam, Coverage, ServiceRequest } from './care.ts';
import { AllergyIntolerance, Condition, Encounter, Goal, Immunization, Procedure } from './clinical.ts';
import { Device, DiagnosticReport, Observation, Specimen } from './diagnostics.ts';
import { DocumentReference, Provenance, QuestionnaireResponse } from './documents.ts';
import { Medication, MedicationDispense, MedicationRequest } from './medications.ts';
import { Location, Organization, Patient, Practitioner, PractitionerRole, RelatedPerson } from './people.ts';

/** The templates made for a resource type: those that US Core has profiles for, and Appointment. */
export const TEMPLATES: ReadonlyMap<string, Template> = new Map(
  Object.entries({
    AllergyIntolerance,
    Appointment,
    CarePlan,
    CareTeam,
    Condition,
    Coverage,
    Device,
    DiagnosticReport,
    DocumentReference,
    Encounter,
    Goal,
    Immunization,
    Location,
    Medication,
    MedicationDispense,
    MedicationRequest,
    Observation,
    Organization,
    Patient,
    Practitioner,
    PractitionerRole,
    Procedure,
    Provenance,
    QuestionnaireResponse,
    RelatedPerson,
    ServiceRequest,
    Specimen,
  }),
);
