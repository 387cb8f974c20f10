export const en = {
  appName: 'Demo EHR',
  intro: 'A small record system for demonstrations: choose a patient and a visit, and open an app for them.',
  patients: 'Patients',
  search: 'Name or date of birth',
  noPatients: 'No patient was found.',
  choose: 'Choose',
  chooseOf: 'Choose {name}',
  chosen: 'Chosen: {name}',
  visit: 'Visit',
  noVisit: 'None',
  apps: 'Apps',
  open: 'Open',
  openOf: 'Open {app}',
  opened: '{app} is open in another window.',
  blocked: 'The browser has not let {app} open. Allow pop-ups for this page.',
  failed: '{app} could not be opened: {reason}',
  needsPatient: 'Choose a patient first.',
  patientApp: 'My health (patient)',
  providerApp: 'Vesta for clinicians',
  nationalApp: 'Vesta national health',
  withoutPatient: 'without a patient',
};

export default en;

/** Every language has the same sentences. */
export type Strings = typeof en;
