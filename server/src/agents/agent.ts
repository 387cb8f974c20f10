import type { Role } from '../access/policies/policy.ts';
import type { AccessScope, Grant, Tenant } from '../access/scope.ts';
import type { EventMethod } from '../events/event.ts';
import type { Query } from '../fhir/internal-client.ts';
import type { OperationText } from '../fhir/vesta-definitions/parameter.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import type { LanguageModel } from './model/language-model.ts';

/** What makes an agent run. */
export type Wake =
  | {
      readonly kind: 'hook';
      readonly hook: string;
      readonly id: string;
      readonly prefetch: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'event';
      readonly type: string;
      readonly methods: readonly EventMethod[];
      /** Only versions whose JSON text contains this. */
      readonly mentions?: string;
      /** Only these versions; not asked about deletions. */
      readonly when?: (resource: Resource) => boolean;
    }
  /** A FHIR operation; the agent's input is an {@link OperationInput}. */
  | {
      readonly kind: 'operation';
      readonly name: string;
      /** Resource types it is offered on; none: on the system. */
      readonly types: readonly string[];
      /** `system` without types, else `type`, by default. */
      readonly levels?: readonly ('system' | 'type' | 'instance')[];
      /** Whether GET may call it: it changes nothing. */
      readonly safe?: boolean;
      /** Canonical URL of an OperationDefinition that is not our own. */
      readonly definition?: string;
      /** What the OperationDefinition says, where it is our own. */
      readonly text?: OperationText;
    }
  /** What a person says that is about one of these. */
  | { readonly kind: 'conversation'; readonly intents: readonly string[] }
  /** A step of a workflow: Task.code; the agent's input is a workflows/step.ts StepInput, its output a StepOutput. */
  | { readonly kind: 'step'; readonly code: string };

/** What an agent is given that is called as an operation. Its output is the resource that is answered. */
export interface OperationInput {
  /** The name without `$`, and of which resource or type it was asked. */
  readonly operation: { readonly name: string; readonly type?: string; readonly id?: string };
  /** Parameters; those of the URL as valueString. */
  readonly parameters: JsonObject;
}

/** Something that changes care or cost. */
export interface AgentAction {
  /** Lower-case letters and hyphens; a tenant's setting names it, and Task.code. */
  readonly code: string;
  readonly title: string;
  /** What happens where the tenant says nothing: the agent does it, or asks the approver. */
  readonly autonomy: 'acts' | 'asks';
  readonly approver: Role;
}

/** An agent: one folder with its rules. `Input` is what {@link input} makes of the JSON that it is given. */
export interface AgentDefinition<Input = unknown, Output = unknown> {
  /** Name of its folder: lower-case letters and hyphens. Its Device's identifier, its label in metrics. */
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly wakes: readonly Wake[];
  /** Whether events that wake it may wait while clients keep the process busy; by default they do not. */
  readonly canWait?: boolean;
  /** What its tools may do at most; they do what is in this and in its caller's access. */
  readonly grants: readonly Grant[];
  /** Milliseconds that a run may take. */
  readonly timeout: number;
  readonly actions: readonly AgentAction[];
  /** @throws FhirError 400 naming the element that is wrong */
  input(value: JsonValue): Input;
  /** @returns what can be written as JSON */
  run(input: Input, context: AgentContext): Promise<Output>;
}

/** An agent whatever it takes: what registries hold. */
// biome-ignore lint/suspicious/noExplicitAny: input() makes what run() takes; nobody else comes between the two
export type AnyAgent = AgentDefinition<any, any>;

/** FHIR as an agent uses it: what its scope does not allow fails as it would for a client. */
export interface AgentTools {
  /** @returns undefined when there is none that the scope shows */
  read(type: string, id: string): Promise<Resource | undefined>;
  /** What a literal reference points to. */
  follow(reference: JsonValue | undefined): Promise<Resource | undefined>;
  /** The matches of one page. */
  search(type: string, query: Query): Promise<Resource[]>;
  /** The matches of all pages. @param most of them */
  searchAll(type: string, query: Query, most: number): Promise<Resource[]>;
  /** @param ifNoneExist query of a conditional create */
  create(resource: Resource, ifNoneExist?: string): Promise<Resource>;
  /** @param ifMatch version that the resource must have */
  update(resource: Resource, ifMatch?: string): Promise<Resource>;
  /** @param patch Parameters of a FHIRPath Patch (R4 fhirpatch.html) */
  patch(type: string, id: string, patch: JsonObject): Promise<Resource>;
  transaction(bundle: JsonObject): Promise<JsonObject>;
  /** @param path such as `['Patient', '1', '$everything']` */
  operation(path: readonly string[], parameters: JsonObject): Promise<JsonObject>;
}

/** What an agent reads of the tenant's directory. */
export type AgentReader = Pick<AgentTools, 'read' | 'follow' | 'search' | 'searchAll'>;

/** What came of an action: done, with the response Bundle, or left to a person, with the Task's reference. */
export type ActionOutcome =
  | { readonly done: true; readonly response: JsonObject }
  | { readonly done: false; readonly task: string };

/** What a run works with. */
export interface AgentContext {
  readonly tenant: Tenant;
  /** `http://host:port/fhir/tenant`, for full URLs. */
  readonly baseUrl: string;
  /** What the agent may do in this run. */
  readonly scope: AccessScope;
  /** Ends when the run's time is over or its caller has gone. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly run: { readonly id: string };
  readonly fhir: AgentTools;
  /** What the tenant tells everybody: who works where and when, its services and what it has written for people. */
  readonly directory: AgentReader;
  /** An id that follows from the run and a name: what a run makes with it is made once, however often it is tried. */
  idFor(name: string): string;
  /**
   * Runs another agent for the same caller, under its own grants and the caller's access.
   * @param value what its input() takes
   * @returns its output
   * @throws FhirError as its run does; 404 where there is no such agent, 500 where agents call one another in a circle
   */
  delegate(agent: string, value: JsonValue): Promise<unknown>;
  /** Absent where none is configured: rules only. */
  readonly model: LanguageModel | undefined;
  /** Records a step with input, output and duration. Steps may lie in one another. */
  step<T>(name: string, input: JsonValue, work: () => Promise<T>): Promise<T>;
  /**
   * Does something that changes care or cost where the tenant lets the agent act, else asks the action's approver with a
   * Task that holds what would be done.
   * @param reason for the approver
   * @param bundle a transaction
   * @param focus `Type/id` of what it is about
   * @throws FhirError 400 when it is no transaction; whatever a client would be told of the transaction
   */
  act(code: string, reason: string, bundle: JsonObject, focus?: string): Promise<ActionOutcome>;
}
