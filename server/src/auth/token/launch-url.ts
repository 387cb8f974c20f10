/** Where an app is opened by an EHR (SMART App Launch 2.2, "Launch App: EHR Launch"). @param iss the FHIR base */
export function launchUrl(launchUri: string, iss: string, launch: string): string {
  const url = new URL(launchUri);
  url.searchParams.set('iss', iss);
  url.searchParams.set('launch', launch);
  return url.href;
}
