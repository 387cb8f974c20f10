/** In place of the package of this job that fhirclient brings for browsers without Web Cryptography. */
export default globalThis.crypto;
