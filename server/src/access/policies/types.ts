/** Groups of resource types that policies name; every R4 type is in one of them. */

/** Who a patient is. */
export const DEMOGRAPHICS = ['Patient', 'RelatedPerson', 'Person'] as const;

/** What is observed, found and done. */
export const CLINICAL = [
  'AdverseEvent',
  'AllergyIntolerance',
  'BodyStructure',
  'ClinicalImpression',
  'Condition',
  'DetectedIssue',
  'Encounter',
  'EpisodeOfCare',
  'FamilyMemberHistory',
  'Flag',
  'GuidanceResponse',
  'ImagingStudy',
  'Immunization',
  'ImmunizationEvaluation',
  'ImmunizationRecommendation',
  'Media',
  'MolecularSequence',
  'Observation',
  'Procedure',
  'RiskAssessment',
  'Specimen',
] as const;

/** Documents and reports. */
export const DOCUMENTS = [
  'Binary',
  'Bundle',
  'Composition',
  'DiagnosticReport',
  'DocumentManifest',
  'DocumentReference',
  'List',
  'QuestionnaireResponse',
] as const;

/** What is to be done, and by whom. */
export const CARE = [
  'CarePlan',
  'CareTeam',
  'Communication',
  'CommunicationRequest',
  'Goal',
  'NutritionOrder',
  'RequestGroup',
  'Task',
] as const;

/** Orders that only some may sign. */
export const ORDERS = [
  'DeviceRequest',
  'ImmunizationRecommendation',
  'MedicationRequest',
  'ServiceRequest',
  'VisionPrescription',
] as const;

export const MEDICATION_EVENTS = [
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationStatement',
] as const;

export const SUPPLIES = [
  'Device',
  'DeviceMetric',
  'DeviceUseStatement',
  'SupplyDelivery',
  'SupplyRequest',
] as const;

export const SCHEDULING = ['Appointment', 'AppointmentResponse', 'Schedule', 'Slot'] as const;

export const FINANCIAL = [
  'Account',
  'ChargeItem',
  'Claim',
  'ClaimResponse',
  'Contract',
  'Coverage',
  'CoverageEligibilityRequest',
  'CoverageEligibilityResponse',
  'EnrollmentRequest',
  'EnrollmentResponse',
  'ExplanationOfBenefit',
  'Invoice',
  'PaymentNotice',
  'PaymentReconciliation',
] as const;

/** Who provides care, what and where: what directories of providers publish, and who books a visit chooses from. */
export const PROVIDERS = [
  'HealthcareService',
  'Location',
  'Organization',
  'Practitioner',
  'PractitionerRole',
] as const;

/** Who and what there is to provide care: no patient is in it. */
export const DIRECTORY = [
  ...PROVIDERS,
  'Endpoint',
  'InsurancePlan',
  'Medication',
  'MedicationKnowledge',
  'OrganizationAffiliation',
  'Substance',
] as const;

/** Definitions and knowledge: no patient is in it. */
export const KNOWLEDGE = [
  'ActivityDefinition',
  'BiologicallyDerivedProduct',
  'CapabilityStatement',
  'CatalogEntry',
  'ChargeItemDefinition',
  'CodeSystem',
  'CompartmentDefinition',
  'ConceptMap',
  'DeviceDefinition',
  'EffectEvidenceSynthesis',
  'EventDefinition',
  'Evidence',
  'EvidenceVariable',
  'ExampleScenario',
  'GraphDefinition',
  'ImplementationGuide',
  'Library',
  'Measure',
  'MedicinalProduct',
  'MedicinalProductAuthorization',
  'MedicinalProductContraindication',
  'MedicinalProductIndication',
  'MedicinalProductIngredient',
  'MedicinalProductInteraction',
  'MedicinalProductManufactured',
  'MedicinalProductPackaged',
  'MedicinalProductPharmaceutical',
  'MedicinalProductUndesirableEffect',
  'MessageDefinition',
  'NamingSystem',
  'ObservationDefinition',
  'OperationDefinition',
  'PlanDefinition',
  'Questionnaire',
  'ResearchDefinition',
  'ResearchElementDefinition',
  'ResearchStudy',
  'RiskEvidenceSynthesis',
  'SearchParameter',
  'SpecimenDefinition',
  'StructureDefinition',
  'StructureMap',
  'SubstanceNucleicAcid',
  'SubstancePolymer',
  'SubstanceProtein',
  'SubstanceReferenceInformation',
  'SubstanceSourceMaterial',
  'SubstanceSpecification',
  'TerminologyCapabilities',
  'TestReport',
  'TestScript',
  'ValueSet',
  'VerificationResult',
] as const;

/** Who may do what, who did what, and how the server works. */
export const GOVERNANCE = [
  'AuditEvent',
  'Basic',
  'Consent',
  'Group',
  'Linkage',
  'MeasureReport',
  'MessageHeader',
  'OperationOutcome',
  'Parameters',
  'Provenance',
  'ResearchSubject',
  'Subscription',
] as const;
