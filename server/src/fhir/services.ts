import type { BreakGlass } from '../access/break-glass.ts';
import type { Tenant } from '../access/scope.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { PushService } from '../communication/push/service.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { JsonObject } from '../json/types.ts';
import type { CursorCodec } from '../search/cursor.ts';
import type { FileLinks } from '../security/links/file-links.ts';
import type { Connections } from '../storage/connections.ts';
import type { IsolationFaults } from '../storage/isolation.ts';
import type { VersionReader } from '../storage/read-versions.ts';
import type { AccessFactsReader } from './access-facts.ts';
import type { FhirRequest, FhirResponse } from './request.ts';
import type { TenantContext } from './tenant-context.ts';
import type { Tenants } from './tenants.ts';
import type { WriteCoalescer } from './write/coalescer.ts';
import type { WriteEngine } from './write/engine.ts';

/** Limits and policies that the interactions observe; see config/. */
export interface FhirSettings {
  readonly references: 'strict' | 'lenient';
  readonly defaultPage: number;
  readonly maxPage: number;
  readonly maxIncludes: number;
  readonly maxBundleEntries: number;
  readonly maxConditionalDelete: number;
  /** Greatest estimated cost of a search, in the planner's units; 0 for no limit. */
  readonly searchCostLimit: number;
  readonly softwareVersion: string;
}

/** What the operations about access work with. */
export interface AccessServices {
  readonly facts: AccessFactsReader;
  /** References of those who look after privacy in a tenant. */
  readonly privacyPeople: (tenant: Tenant) => Promise<readonly string[]>;
  /** Told of an emergency access that was opened, so that people are written to; must not throw. */
  readonly onEmergency: (
    context: TenantContext,
    opened: BreakGlass,
    practitioners: readonly string[],
  ) => void;
}

/** What the interactions work with: one set for each process. */
export interface Services {
  readonly settings: FhirSettings;
  readonly tenants: Tenants;
  readonly connections: Connections;
  readonly reader: VersionReader;
  readonly engine: WriteEngine;
  /** Single writes, joined with others that arrive at the same time. */
  readonly writes: WriteCoalescer;
  readonly cursors: CursorCodec;
  readonly jobs: JobQueue;
  /** CapabilityStatement.rest.security of a tenant where access is controlled. */
  readonly security?: (tenant: Tenant) => JsonObject;
  /** What decides about access besides tokens, where it is controlled. */
  readonly access?: AccessServices;
  /** Makes links that need no token, where access is controlled. */
  readonly links?: FileLinks;
  /** Records what is done, where access is controlled. */
  readonly audit?: AuditTrail;
  /** Runs the agents; absent where there are none, as in commands. */
  readonly agents?: AgentRuntime;
  /** Where people take push messages; absent where secrets cannot be kept. */
  readonly push?: PushService;
  /** Where a request with the access of another tenant is counted. */
  readonly isolation?: IsolationFaults;
  /** Carries out another request as if it had come by HTTP: entries of a batch, respond-async. `services` in place of these. */
  handle(request: FhirRequest, services?: Services): Promise<FhirResponse>;
}

export type InteractionHandler = (services: Services, request: FhirRequest) => Promise<FhirResponse>;
