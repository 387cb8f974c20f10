/** What an app is, for signing in. */
export interface AppSettings {
  /** The app's folder and path: `/apps/{name}/`. */
  readonly name: string;
  /** `client_id` at a server that knows the app under no other; `?clientId=` names another one. */
  readonly clientId: string;
  /** Scopes of a standalone launch, separated by spaces (SMART App Launch 2.2, "Scopes and Launch Context"). */
  readonly scope: string;
  /** Scopes when an EHR launches it; those of a standalone launch without `launch/...`, and `launch`, by default. */
  readonly ehrScope?: string;
  /** Keeps what was last seen on the device, encrypted, until the person signs out. */
  readonly offline?: boolean;
}

/** The server that an app works with when nobody names one: the demo tenant of the server that it comes from. */
export const ownServer = (): string => `${location.origin}/fhir/demo`;

/** Where a server sends people back to. */
export const redirectUri = ({ name }: AppSettings): string => `${location.origin}/apps/${name}/`;

/** The server that the page's address names, by an EHR or a person; the app's own without one. */
export const askedServer = (): string => new URLSearchParams(location.search).get('iss') ?? ownServer();

/** Where signing in begins, with what the page's address says of server and launch. */
export const launchPage = ({ name }: AppSettings): string => `/apps/${name}/launch.html${location.search}`;

/** Each app has its own place for its session, though all of a server are of one origin. */
export const sessionKey = ({ name }: AppSettings): string => `vesta:${name}:session`;
export const issuerKey = (state: string): string => `vesta:issuer:${state}`;
