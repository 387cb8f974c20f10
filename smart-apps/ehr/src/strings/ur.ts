import type { Strings } from './en.ts';

const ur: Strings = {
  appName: 'نمونہ ریکارڈ نظام',
  intro: 'نمائش کے لیے ایک چھوٹا ریکارڈ نظام: مریض اور ملاقات منتخب کریں اور ان کے لیے ایپ کھولیں۔',
  patients: 'مریض',
  search: 'نام یا تاریخِ پیدائش',
  noPatients: 'کوئی مریض نہیں ملا۔',
  choose: 'منتخب کریں',
  chooseOf: '{name} کو منتخب کریں',
  chosen: 'منتخب: {name}',
  visit: 'ملاقات',
  noVisit: 'کوئی نہیں',
  apps: 'ایپس',
  open: 'کھولیں',
  openOf: '{app} کھولیں',
  opened: '{app} دوسری ونڈو میں کھل گئی ہے۔',
  blocked: 'براؤزر نے {app} کھولنے نہیں دی۔ اس صفحے کو نئی ونڈو کی اجازت دیں۔',
  failed: '{app} نہیں کھل سکی: {reason}',
  needsPatient: 'پہلے مریض منتخب کریں۔',
  patientApp: 'میری صحت (مریض)',
  providerApp: 'ویسٹا برائے معالجین',
  nationalApp: 'ویسٹا قومی صحت',
  withoutPatient: 'بغیر مریض کے',
};

export default ur;
