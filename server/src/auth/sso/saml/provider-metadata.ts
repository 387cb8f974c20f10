import { ProviderError, type SamlProvider } from '../provider.ts';
import { attribute, children, descendants, METADATA, parseSecureXml, SIGNATURE, textOf } from './xml.ts';

const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/**
 * What a provider's metadata says of it (SAML metadata, 2.4.3): entity id, address of its single sign-on by HTTP-Redirect,
 * and the certificates that it signs by. Whether the metadata are the provider's own is for whoever got them to know.
 * @throws ProviderError
 */
export async function readProviderMetadata(
  text: string,
): Promise<Pick<SamlProvider, 'entityId' | 'ssoUrl' | 'certificates'>> {
  // Comments are common in such files, and no signature decides anything here.
  const root = await parseSecureXml(text.replace(/<!--[\s\S]*?-->/g, '')).catch((error: Error) => {
    throw new ProviderError(`The metadata cannot be read: ${error.message}`);
  });
  const entities = descendants(root).filter(
    (each) =>
      each.namespaceURI === METADATA &&
      each.localName === 'EntityDescriptor' &&
      children(each, METADATA, 'IDPSSODescriptor').length > 0,
  );
  const [entity] = entities;
  if (entity === undefined || entities.length > 1) {
    throw new ProviderError(`The metadata describe ${entities.length} identity providers, not one`);
  }
  const [role] = children(entity, METADATA, 'IDPSSODescriptor');
  const services = children(role as NonNullable<typeof role>, METADATA, 'SingleSignOnService');
  const service = services.find((each) => attribute(each, 'Binding') === REDIRECT);
  const entityId = attribute(entity, 'entityID');
  const ssoUrl = service === undefined ? undefined : attribute(service, 'Location');
  if (entityId === undefined) throw new ProviderError('The metadata have no entityID');
  if (ssoUrl === undefined)
    throw new ProviderError('The metadata have no SingleSignOnService by HTTP-Redirect');
  const certificates = children(role as NonNullable<typeof role>, METADATA, 'KeyDescriptor')
    .filter((each) => (attribute(each, 'use') ?? 'signing') === 'signing')
    .flatMap((each) => descendants(each))
    .filter((each) => each.namespaceURI === SIGNATURE && each.localName === 'X509Certificate')
    .map((each) => pem(textOf(each)));
  if (certificates.length === 0) throw new ProviderError('The metadata have no certificate for signatures');
  return { entityId, ssoUrl, certificates: [...new Set(certificates)] };
}

const pem = (base64: string): string =>
  `-----BEGIN CERTIFICATE-----\n${(base64.replace(/\s/g, '').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
