import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** The connection broke after the request was sent: whether the server carried it out is not known. */
export class UnknownOutcomeError extends Error {}

/** How long a server that is away or overloaded is waited for, in milliseconds. */
const PATIENCE = 120_000;

/** Name of the environment variable with the access token that commands send to the server. */
export const TOKEN_VARIABLE = 'VESTA_TOKEN';

export interface HttpClientOptions {
  /** Gives an access token when the server asks for one and the environment has none; asked again when it has ended. */
  readonly token?: () => Promise<string>;
  /** For https. */
  readonly tls?: Pick<https.AgentOptions, 'ca' | 'allowPartialTrustChain' | 'servername'>;
}

/** A client for FHIR servers: connections are kept; a server that is away, restarting or overloaded is waited for. */
export class HttpClient {
  readonly #http: http.Agent;
  readonly #https: https.Agent;
  readonly #patience: number;
  readonly #newToken: HttpClientOptions['token'];
  #token: string | undefined = process.env[TOKEN_VARIABLE] || undefined;
  #renewing: Promise<string> | undefined;

  constructor(connections: number, patience = PATIENCE, { token, tls }: HttpClientOptions = {}) {
    this.#http = new http.Agent({ keepAlive: true, maxSockets: connections });
    this.#https = new https.Agent({ keepAlive: true, maxSockets: connections, ...tls });
    this.#patience = patience;
    this.#newToken = this.#token === undefined ? token : undefined;
  }

  /**
   * Sends a request and returns the answer, whatever its status. 429 and 503 are tried again as Retry-After says, 401 with
   * a new token where one can be had.
   * @throws UnknownOutcomeError when the connection broke half-way in a request that must not be sent twice
   * @throws Error when the server cannot be reached for two minutes
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = Date.now() + this.#patience;
    let refused = false;
    for (let attempt = 0; ; attempt++) {
      let wait = Math.min(5000, 200 * 2 ** attempt);
      try {
        const used = this.#token;
        const answer = await this.#once(request);
        if (answer.status === 401 && this.#newToken !== undefined && !refused) {
          refused = true;
          await this.#renew(this.#newToken, used);
          continue;
        }
        if ((answer.status !== 503 && answer.status !== 429) || Date.now() > deadline) return answer;
        const after = Number(answer.headers['retry-after']);
        if (Number.isFinite(after)) wait = Math.min(30_000, after * 1000);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const unsent = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
        if (!unsent && request.method !== 'GET') {
          throw new UnknownOutcomeError(`The connection to ${request.url} broke: ${message}`);
        }
        if (Date.now() > deadline || code === 'ENOTFOUND') {
          throw new Error(
            `Cannot reach ${new URL(request.url).origin}: ${message || code}. Does the server run?`,
          );
        }
      }
      await sleep(wait);
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /** Gets a new token in the place of the one that was refused, unless another request has done so. */
  async #renew(newToken: () => Promise<string>, refused: string | undefined): Promise<void> {
    if (this.#token !== refused) return;
    this.#renewing ??= newToken().finally(() => {
      this.#renewing = undefined;
    });
    this.#token = await this.#renewing;
  }

  #once({ method, url, headers, body }: HttpRequest): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const secure = url.startsWith('https:');
      const request = (secure ? https : http).request(
        url,
        {
          method,
          agent: secure ? this.#https : this.#http,
          headers: {
            Accept: 'application/fhir+json',
            ...(this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
            ...headers,
            ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        },
      );
      request.on('error', (error: NodeJS.ErrnoException) => {
        // A kept connection that the server had closed meanwhile: nothing of the request was read.
        if (
          request.reusedSocket &&
          (error.code === 'ECONNRESET' || error.code === 'EPIPE') &&
          body === undefined
        ) {
          this.#once({ method, url, ...(headers === undefined ? {} : { headers }) }).then(resolve, reject);
        } else reject(error);
      });
      request.end(body);
    });
  }
}

/** The texts of an OperationOutcome's issues, each with its place; of another body its beginning. */
export function outcomeTexts(body: string | Record<string, unknown> | undefined, most = 3): string[] {
  let outcome = body;
  if (typeof body === 'string') {
    try {
      outcome = JSON.parse(body) as Record<string, unknown>;
    } catch {
      return [body.slice(0, 200) || 'no text'];
    }
  }
  const issues = (outcome as { issue?: unknown } | undefined)?.issue;
  if (!Array.isArray(issues)) return ['no OperationOutcome'];
  const texts = issues
    .filter((issue) => issue?.severity !== 'information' && issue?.severity !== 'warning')
    .map((issue) => {
      const place = Array.isArray(issue.expression) ? ` (${issue.expression.join(', ')})` : '';
      return `${issue.diagnostics ?? issue.details?.text ?? issue.code}${place}`;
    });
  return texts.length > most ? [...texts.slice(0, most), `and ${texts.length - most} more`] : texts;
}
