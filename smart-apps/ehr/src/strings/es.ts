import type { Strings } from './en.ts';

const es: Strings = {
  appName: 'HCE de demostración',
  intro:
    'Una pequeña historia clínica electrónica de demostración: elija paciente y visita, y abra una aplicación.',
  patients: 'Pacientes',
  search: 'Nombre o fecha de nacimiento',
  noPatients: 'No se encontró ningún paciente.',
  choose: 'Elegir',
  chooseOf: 'Elegir a {name}',
  chosen: 'Elegido: {name}',
  visit: 'Visita',
  noVisit: 'Ninguna',
  apps: 'Aplicaciones',
  open: 'Abrir',
  openOf: 'Abrir {app}',
  opened: '{app} está abierta en otra ventana.',
  blocked: 'El navegador no ha dejado abrir {app}. Permita ventanas emergentes en esta página.',
  failed: 'No se pudo abrir {app}: {reason}',
  needsPatient: 'Elija primero un paciente.',
  patientApp: 'Mi salud (paciente)',
  providerApp: 'Vesta para profesionales',
  nationalApp: 'Vesta salud nacional',
  withoutPatient: 'sin paciente',
};

export default es;
