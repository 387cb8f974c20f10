export { applyXmlPatch } from './patch.ts';
export { parseXml, type XmlReadOptions } from './read.ts';
export { writeXml, type XmlWriteOptions } from './write.ts';
