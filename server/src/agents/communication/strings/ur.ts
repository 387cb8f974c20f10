import type { Strings } from './strings.ts';

export const UR: Strings = {
  greeting: 'السلام علیکم {name}،',
  own: 'آپ کی ملاقات',
  of: '{patient} کی ملاقات',
  notice: '{organization} کی طرف سے ایک پیغام ہے۔ پڑھنے کے لیے سائن اِن کریں۔',
  messages: {
    'emergency-family': {
      subject: 'آپ کے لیے اطلاع',
      text: '{organization}: {patient} ہمارے پاس ہیں اور ان کی دیکھ بھال ہو رہی ہے۔ براہ کرم ہمیں فون کریں یا تشریف لائیں۔',
    },
    'visit-news': {
      subject: 'آپ کی ملاقات کے بارے میں',
      text: '{organization}: {visit} کے بارے میں نئی اطلاع ہے۔ پڑھنے کے لیے سائن اِن کریں۔',
    },
    message: {
      subject: 'آپ کے لیے پیغام',
      text: '{organization}: آپ کے لیے ایک پیغام ہے۔ پڑھنے کے لیے سائن اِن کریں۔',
    },
  },
};
