/** Error codes of RFC 6749 (5.2), 6750 (3.1), 7009, 7591 (3.2.2) and 8693 that these endpoints answer with. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'access_denied'
  | 'unsupported_token_type'
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'server_error'
  | 'temporarily_unavailable';

/** What a client is told when its request is refused. The description is shown to developers. */
export class OAuthError extends Error {
  readonly status: number;
  readonly error: OAuthErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    error: OAuthErrorCode,
    description: string,
    status = 400,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(description);
    this.error = error;
    this.status = status;
    this.headers = headers;
  }

  /** The body of the answer (RFC 6749, section 5.2). */
  toJSON(): { error: string; error_description: string } {
    return { error: this.error, error_description: printable(this.message) };
  }
}

/** 401 of a resource that a bearer token opens (RFC 6750, section 3). Without a code no token was presented. */
export function bearerError(
  error?: 'invalid_token' | 'insufficient_scope',
  description = 'An access token is needed',
): OAuthError {
  const status = error === 'insufficient_scope' ? 403 : 401;
  const challenge =
    error === undefined ? 'Bearer' : `Bearer error="${error}", error_description="${printable(description)}"`;
  return new OAuthError(error ?? 'invalid_token', description, status, { 'WWW-Authenticate': challenge });
}

/** RFC 6749 allows %x20-21 / %x23-5B / %x5D-7E in a description. */
const printable = (text: string): string => text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
