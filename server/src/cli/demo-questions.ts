import { FAQ, LIBRARY_TOPIC } from '../agents/faq/terms.ts';
import type { JsonObject } from '../json/types.ts';

/* What the clinic of the demo tenant has written for people to ask. All invented. */

/** A question in a language: how it is asked, in which other words, and what is answered. */
type Said = readonly [question: string, otherwise: string, answer: string];

interface Topic {
  readonly id: string;
  readonly en: Said;
  readonly es: Said;
  readonly ur: Said;
}

const TOPICS: readonly Topic[] = [
  {
    id: 'parking',
    en: [
      'Where can I park?',
      'Parking, car park, garage, disabled parking, bicycle',
      'There are 30 free places behind the house, two of them for disabled people beside the door. Bicycles go under the roof at the entrance.',
    ],
    es: [
      '¿Dónde puedo aparcar?',
      'Aparcamiento, estacionamiento, coche, bicicleta',
      'Detrás del edificio hay 30 plazas gratuitas, dos de ellas para personas con discapacidad junto a la puerta. Las bicicletas se dejan bajo el techo de la entrada.',
    ],
    ur: [
      'گاڑی کہاں کھڑی کروں؟',
      'پارکنگ، گاڑی، سائیکل، parking gaadi',
      'عمارت کے پیچھے 30 مفت جگہیں ہیں، ان میں سے دو دروازے کے ساتھ معذور افراد کے لیے ہیں۔ سائیکلیں دروازے کے پاس چھت کے نیچے رکھیں۔',
    ],
  },
  {
    id: 'bring',
    en: [
      'What should I bring to my visit?',
      'Bring along, documents, insurance card, list of medicines, first visit',
      'Bring your insurance card, a list of your medicines and, if you have them, earlier results. Come ten minutes early for a first visit.',
    ],
    es: [
      '¿Qué debo llevar a la cita?',
      'Llevar, traer, documentos, tarjeta sanitaria, lista de medicinas, primera visita',
      'Traiga su tarjeta del seguro, una lista de sus medicinas y, si los tiene, resultados anteriores. Para una primera visita venga diez minutos antes.',
    ],
    ur: [
      'ملاقات پر کیا ساتھ لانا ہے؟',
      'ساتھ لانا، کاغذات، انشورنس کارڈ، دواؤں کی فہرست، kya saath laana hai',
      'انشورنس کارڈ، دواؤں کی فہرست اور پرانی رپورٹیں ساتھ لائیں۔ پہلی ملاقات کے لیے دس منٹ پہلے آئیں۔',
    ],
  },
  {
    id: 'blood-test',
    en: [
      'How do I prepare for a blood test?',
      'Fasting, blood test, blood sample, breakfast, eat before',
      'Eat and drink nothing but water for ten hours before. Take your medicines as usual unless your physician has said otherwise.',
    ],
    es: [
      '¿Cómo me preparo para un análisis de sangre?',
      'Ayunas, análisis de sangre, desayuno, comer antes',
      'No coma ni beba nada más que agua durante las diez horas anteriores. Tome sus medicinas como siempre, salvo que su médico le haya dicho otra cosa.',
    ],
    ur: [
      'خون کے ٹیسٹ کی تیاری کیسے کروں؟',
      'خالی پیٹ، نہار منہ، خون کا ٹیسٹ، ناشتہ، khali pait khoon ka test',
      'ٹیسٹ سے دس گھنٹے پہلے پانی کے سوا کچھ نہ کھائیں پئیں۔ دوائیں معمول کے مطابق لیں، جب تک معالج نے کچھ اور نہ کہا ہو۔',
    ],
  },
  {
    id: 'cancellation',
    en: [
      'What is your cancellation policy?',
      'Cancellation policy, fee, missed visit, no show, late',
      'Visits can be cancelled or moved without charge until 24 hours before. For a visit that is missed without notice we charge 25 dollars.',
    ],
    es: [
      '¿Cuál es la política de cancelación?',
      'Política de cancelación, cargo, faltar a la cita, tarde',
      'Las citas se pueden cancelar o cambiar sin cargo hasta 24 horas antes. Por una cita a la que se falta sin avisar cobramos 25 dólares.',
    ],
    ur: [
      'ملاقات منسوخ کرنے کی پالیسی کیا ہے؟',
      'منسوخی کی پالیسی، فیس، نہ آنا، cancellation policy',
      '24 گھنٹے پہلے تک ملاقات بغیر فیس منسوخ یا تبدیل ہو سکتی ہے۔ اطلاع کے بغیر نہ آنے پر 25 ڈالر فیس ہے۔',
    ],
  },
  {
    id: 'insurance',
    en: [
      'Which insurances do you accept?',
      'Insurance, payment, pay, cost, price, bill, Medicare, Medicaid',
      'We accept Medicare, Medicaid and most private insurers. Who has no insurance pays by income; ask at reception.',
    ],
    es: [
      '¿Qué seguros aceptan?',
      'Seguro, pago, pagar, costo, precio, factura, Medicare, Medicaid',
      'Aceptamos Medicare, Medicaid y la mayoría de los seguros privados. Quien no tiene seguro paga según sus ingresos; pregunte en recepción.',
    ],
    ur: [
      'کون سی انشورنس قبول کرتے ہیں؟',
      'انشورنس، بیمہ، فیس، ادائیگی، قیمت، insurance fees',
      'ہم Medicare، Medicaid اور اکثر نجی انشورنس قبول کرتے ہیں۔ جن کی انشورنس نہیں وہ آمدنی کے مطابق ادا کرتے ہیں؛ استقبالیہ سے پوچھیں۔',
    ],
  },
  {
    id: 'interpreter',
    en: [
      'Do you have interpreters?',
      'Interpreter, language, translate, Spanish, Urdu, sign language',
      'Yes: by telephone in more than 100 languages, and for sign language in person with two days of notice. It costs you nothing.',
    ],
    es: [
      '¿Tienen intérpretes?',
      'Intérprete, idioma, traducir, español, urdu, lengua de signos',
      'Sí: por teléfono en más de 100 idiomas, y en lengua de signos en persona si avisa con dos días. No le cuesta nada.',
    ],
    ur: [
      'کیا مترجم موجود ہیں؟',
      'مترجم، زبان، ترجمہ، اردو، اشاروں کی زبان، interpreter urdu',
      'جی ہاں: فون پر سو سے زیادہ زبانوں میں، اور دو دن پہلے بتانے پر اشاروں کی زبان میں بھی۔ اس کی کوئی فیس نہیں۔',
    ],
  },
  {
    id: 'repeat-prescription',
    en: [
      'How do I get a repeat prescription?',
      'Refill, repeat prescription, renew medicine, run out of tablets',
      'Ask your pharmacy to send us the request, or write to us here and ask for a person. It takes two working days.',
    ],
    es: [
      '¿Cómo pido una receta de repetición?',
      'Renovar receta, repetir receta, se me acaban las pastillas',
      'Pida a su farmacia que nos envíe la solicitud, o escríbanos aquí y pida hablar con una persona. Tarda dos días laborables.',
    ],
    ur: [
      'دوائی کا نسخہ دوبارہ کیسے ملے گا؟',
      'نسخہ دوبارہ، دوائی ختم، refill dawai khatam',
      'اپنی فارمیسی سے کہیں کہ ہمیں درخواست بھیجے، یا یہاں لکھ کر کسی شخص سے بات کا کہیں۔ دو کام کے دن لگتے ہیں۔',
    ],
  },
  {
    id: 'records-copy',
    en: [
      'How do I get a copy of my record?',
      'Copy of record, download my data, send records, transfer',
      'Download it in the patient app under "My data", or ask at reception for a copy on paper. It is free.',
    ],
    es: [
      '¿Cómo obtengo una copia de mi historial?',
      'Copia del historial, descargar mis datos, expediente',
      'Descárguelo en la aplicación del paciente en «Mis datos», o pida una copia en papel en recepción. Es gratis.',
    ],
    ur: [
      'اپنے ریکارڈ کی نقل کیسے ملے گی؟',
      'ریکارڈ کی نقل، کاپی، ڈیٹا ڈاؤن لوڈ، record ki copy',
      'مریض کی ایپ میں «میرا ڈیٹا» سے ڈاؤن لوڈ کریں، یا استقبالیہ سے کاغذ پر نقل مانگیں۔ یہ مفت ہے۔',
    ],
  },
];

const LANGUAGES = ['en', 'es', 'ur'] as const;

/** The texts as a transaction that may be sent again: a Library with the topic `faq` for each topic and language. */
export function demoQuestions(): JsonObject {
  const libraries = TOPICS.flatMap((topic) =>
    LANGUAGES.map((language) => library(`faq-${topic.id}-${language}`, language, topic[language])),
  );
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: libraries.map((resource) => ({
      resource,
      request: { method: 'PUT', url: `Library/${resource['id']}` },
    })),
  };
}

function library(id: string, language: string, [question, otherwise, answer]: Said): JsonObject {
  return {
    resourceType: 'Library',
    id,
    language,
    title: question,
    status: 'active',
    type: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/library-type', code: 'asset-collection' }],
    },
    topic: [{ coding: [{ system: LIBRARY_TOPIC, code: FAQ }], text: otherwise }],
    content: [
      {
        contentType: 'text/plain',
        language,
        data: Buffer.from(answer).toString('base64'),
      },
    ],
  };
}
