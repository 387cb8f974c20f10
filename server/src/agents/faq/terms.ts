/** Library.topic of what a tenant has written for people to ask: `system|code`. */
export const LIBRARY_TOPIC = 'https://vesta.health/fhir/CodeSystem/library-topic';
export const FAQ = 'faq';
