import type { Tenant } from '../../access/scope.ts';
import { compact } from '../compact.ts';
import type { AuthSettings } from '../settings.ts';
import { urlsOf } from '../urls.ts';
import { type AuthGrant, hasScope } from './grant.ts';
import { fieldsOf, type Mint, mintAccessToken, mintIdToken } from './mint.ts';

/** A token response (RFC 6749, section 5.1; SMART App Launch 2.2, "Launch context arrives with your access_token"). */
export type TokenResponse = Readonly<Record<string, unknown>>;

export interface ResponseOptions extends Mint {
  readonly settings: AuthSettings;
}

/**
 * The answer to a code or a refresh token.
 * @param scopes of the access token: those of the grant or fewer
 * @param first whether this is the answer to the code
 */
export async function userTokenResponse(
  mint: ResponseOptions,
  tenant: Tenant,
  grant: AuthGrant,
  { scopes, refreshToken, first }: { scopes: string; refreshToken: string | undefined; first: boolean },
): Promise<TokenResponse> {
  const { settings } = mint;
  const [access, idToken] = await Promise.all([
    mintAccessToken(mint, tenant, fieldsOf(grant, scopes), settings.accessTokenSeconds),
    hasScope(scopes, 'openid')
      ? mintIdToken(mint, tenant, grant, scopes, first ? grant.context.nonce : undefined)
      : undefined,
  ]);
  const { needPatientBanner, intent, appContext, fhirContext } = grant.context;
  return compact({
    access_token: access.jwt,
    token_type: 'Bearer',
    expires_in: settings.accessTokenSeconds,
    scope: scopes,
    id_token: idToken,
    refresh_token: refreshToken,
    patient: grant.patient,
    encounter: grant.encounter,
    fhirContext: fhirContext === undefined ? undefined : [...fhirContext],
    need_patient_banner: needPatientBanner ?? (grant.patient === undefined ? undefined : true),
    intent,
    appContext,
    smart_style_url: `${urlsOf(settings.baseUrl, tenant).issuer}/smart-style.json`,
    tenant: tenant.name,
  });
}
