import { nameText, type Patient, useRead, useSession } from '@vesta/app-kit';

/** Reference of the patient whose record is open; undefined when the server names none. */
export function usePatientReference(): string | undefined {
  const { patient, user } = useSession();
  if (patient !== undefined) return `Patient/${patient}`;
  return user?.startsWith('Patient/') === true ? user : undefined;
}

/** The patient whose record is open. */
export function usePatient() {
  return useRead<Patient>(usePatientReference());
}

/** The patient's name, once it is known. */
export function usePatientName(): string | undefined {
  return nameText(usePatient().data?.name);
}
