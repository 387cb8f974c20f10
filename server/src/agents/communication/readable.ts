/**
 * What the agent may read to know whom to tell, and what Communications may refer to. What else a request is about or gives as its
 * reason, such as findings, it neither sees nor repeats.
 */
export const READABLE: readonly string[] = [
  'Appointment',
  'CareTeam',
  'Device',
  'Encounter',
  'Group',
  'HealthcareService',
  'Location',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'RelatedPerson',
  'RequestGroup',
];

/** Whether it may see what a reference of a request leads to. */
export function isReadable(reference: string | undefined): boolean {
  const type = reference?.split('/')[0] ?? '';
  return (
    READABLE.includes(type) || type === 'Task' || type === 'Communication' || type === 'CommunicationRequest'
  );
}
