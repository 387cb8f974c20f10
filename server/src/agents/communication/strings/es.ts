import type { Strings } from './strings.ts';

export const ES: Strings = {
  greeting: 'Hola, {name}:',
  own: 'su cita',
  of: 'la cita de {patient}',
  notice: 'Hay un mensaje de {organization}. Inicie sesión para leerlo.',
  messages: {
    'emergency-family': {
      subject: 'Un aviso para usted',
      text: '{organization}: {patient} está aquí con nosotros y recibe atención. Llámenos o venga, por favor.',
    },
    'visit-news': {
      subject: 'Novedades de su visita',
      text: '{organization}: hay novedades sobre {visit}. Inicie sesión para leerlas.',
    },
    message: {
      subject: 'Un mensaje para usted',
      text: '{organization}: hay un mensaje para usted. Inicie sesión para leerlo.',
    },
  },
};
