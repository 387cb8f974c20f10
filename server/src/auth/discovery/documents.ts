import type { Tenant } from '../../access/scope.ts';
import { ASSERTION_ALGORITHMS } from '../clients/assertion.ts';
import { AUTH_METHODS, GRANT_TYPES } from '../clients/registration.ts';
import { usCoreScopes } from '../scopes/index.ts';
import { urlsOf } from '../urls.ts';

/** What the server can do, in the words of SMART App Launch 2.2, "Conformance". */
const CAPABILITIES = [
  'launch-standalone',
  'launch-ehr',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
];

const SCOPES = [
  'openid',
  'fhirUser',
  'profile',
  'launch',
  'launch/patient',
  'launch/encounter',
  'offline_access',
  'online_access',
  'patient/*.cruds',
  'user/*.cruds',
  'system/*.cruds',
  'patient/*.*',
  'user/*.*',
  'system/*.*',
  ...usCoreScopes(),
];

/** Where the endpoints of a tenant's authorization are. */
export function endpointsOf(baseUrl: string, tenant: Pick<Tenant, 'name'>) {
  const { issuer } = urlsOf(baseUrl, tenant);
  return {
    authorize: `${issuer}/authorize`,
    token: `${issuer}/token`,
    introspect: `${issuer}/introspect`,
    revoke: `${issuer}/revoke`,
    register: `${issuer}/register`,
    manage: `${issuer}/manage`,
    jwks: `${issuer}/jwks`,
    userinfo: `${issuer}/userinfo`,
  };
}

/** What both documents say (RFC 8414, section 2). */
function common(baseUrl: string, tenant: Pick<Tenant, 'name'>) {
  const endpoints = endpointsOf(baseUrl, tenant);
  return {
    issuer: urlsOf(baseUrl, tenant).issuer,
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
    jwks_uri: endpoints.jwks,
    registration_endpoint: endpoints.register,
    introspection_endpoint: endpoints.introspect,
    revocation_endpoint: endpoints.revoke,
    scopes_supported: SCOPES,
    response_types_supported: ['code'],
    grant_types_supported: GRANT_TYPES,
    code_challenge_methods_supported: ['S256'],
    // RFC 9207: the answer of the authorize endpoint says who it is from.
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: AUTH_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  };
}

/**
 * `[FHIR base]/.well-known/smart-configuration` (SMART App Launch 2.2, "Using Well-Known").
 * @param baseUrl of the server, without trailing slash
 */
export function smartConfiguration(baseUrl: string, tenant: Pick<Tenant, 'name'>): object {
  return {
    ...common(baseUrl, tenant),
    management_endpoint: endpointsOf(baseUrl, tenant).manage,
    capabilities: CAPABILITIES,
  };
}

/** `{issuer}/.well-known/openid-configuration` (OpenID Connect Discovery 1.0, section 3). */
export function openidConfiguration(baseUrl: string, tenant: Pick<Tenant, 'name'>): object {
  return {
    ...common(baseUrl, tenant),
    userinfo_endpoint: endpointsOf(baseUrl, tenant).userinfo,
    response_modes_supported: ['query'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'auth_time',
      'nonce',
      'fhirUser',
      'profile',
      'name',
    ],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}

/**
 * The extension of `CapabilityStatement.rest.security` by which SMART App Launch 1 tells where the endpoints are, with the
 * service's code that goes beside it.
 */
export function smartSecurity(baseUrl: string, tenant: Pick<Tenant, 'name'>) {
  const { authorize, token, introspect, revoke, register, manage } = endpointsOf(baseUrl, tenant);
  const uris = { authorize, token, introspect, revoke, register, manage };
  return {
    extension: [
      {
        url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
        extension: Object.entries(uris).map(([url, valueUri]) => ({ url, valueUri })),
      },
    ],
    cors: true,
    service: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
            code: 'SMART-on-FHIR',
            display: 'SMART-on-FHIR',
          },
        ],
        text: 'OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)',
      },
    ],
  };
}

/** What `smart_style_url` leads to (SMART App Launch 2.2, "Styling"): the look of the server's own pages. */
export const SMART_STYLE = {
  color_background: '#ffffff',
  color_error: '#b3261e',
  color_highlight: '#0b57a4',
  color_modal_backdrop: '#00000080',
  color_success: '#146c2e',
  color_text: '#1b1b1f',
  dim_border_radius: '6px',
  dim_font_size: '16px',
  dim_spacing_size: '20px',
  font_family_body: "system-ui, 'Segoe UI', Roboto, sans-serif",
  font_family_heading: "system-ui, 'Segoe UI', Roboto, sans-serif",
};
