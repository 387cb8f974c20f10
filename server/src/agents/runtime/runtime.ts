import { AsyncLocalStorage } from 'node:async_hooks';
import type { AccessScope, Tenant } from '../../access/scope.ts';
import type { FhirServer } from '../../fhir/fhir-server.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import type { JsonValue } from '../../json/types.ts';
import type { Connections } from '../../storage/connections.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import type { AgentContext, AnyAgent, Wake } from '../agent.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { act } from './actions.ts';
import { AgentDevices } from './devices.ts';
import { type RunEnd, RunMeasures } from './metrics.ts';
import { type Actor, type EndedStep, type RecordEvent, stepEvent } from './record.ts';
import { idOf } from './run-ids.ts';
import { agentScope, directoryScope } from './scope.ts';
import { ScopedTools } from './tools.ts';

/** Where models come from: one for each run, so that its budget is the tenant's. */
export interface Models {
  of(context: TenantContext): LanguageModel;
  /** Whether the model answers at the moment, for /health/agents. */
  health(): { readonly state: 'up' | 'away'; readonly model: string };
}

export interface RuntimeOptions {
  readonly agents: readonly AnyAgent[];
  /** Asked for when it is first needed: the server is made with the runtime. */
  readonly fhir: () => FhirServer;
  readonly connections: Connections;
  readonly record: RecordEvent;
  /** Whether everybody may do everything (VESTA_AUTH=open): then people have no roles. */
  readonly open: boolean;
  readonly models?: Models | undefined;
  /** Told of errors that are ours. */
  readonly onError: (error: unknown, agent: string) => void;
  readonly now?: () => Date;
}

export interface RunOptions {
  /** Whose access the agent has part of; undefined: it acts by itself. */
  readonly caller?: AccessScope | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Names the run; a run that is tried again has the same. */
  readonly runId?: string;
  /** The agents in whose runs it runs, the outermost first. */
  readonly within?: readonly string[];
}

/** What a run has come to. */
export interface RunResult {
  readonly id: string;
  readonly output: unknown;
}

/** Most agents that run in one another. */
const DEEPEST = 5;

/** What happens in a run, at its innermost step. */
interface Frame {
  readonly step: string;
}

class RunTimeout extends FhirError {
  constructor(agent: AnyAgent) {
    super(504, {
      severity: 'error',
      code: 'timeout',
      diagnostics: `The agent ${agent.name} did not end within ${agent.timeout} ms`,
    });
  }
}

/** Runs agents: with their tools, under the part of their caller's access that is theirs, recorded step by step. */
export class AgentRuntime {
  readonly options: RuntimeOptions;
  readonly devices: AgentDevices;
  readonly measures = new RunMeasures();
  readonly #agents: ReadonlyMap<string, AnyAgent>;
  readonly #frames = new AsyncLocalStorage<Frame>();

  constructor(options: RuntimeOptions) {
    this.options = options;
    this.devices = new AgentDevices(options.fhir);
    this.#agents = new Map(options.agents.map((agent) => [agent.name, agent]));
    if (this.#agents.size < options.agents.length) throw new Error('Two agents have one name');
  }

  /** Undefined where there is no such agent. */
  agent(name: string): AnyAgent | undefined {
    return this.#agents.get(name);
  }

  /** The agents that something of a kind wakes, with what does. */
  wokenBy<K extends Wake['kind']>(kind: K): { agent: AnyAgent; wake: Extract<Wake, { kind: K }> }[] {
    return this.options.agents.flatMap((agent) =>
      agent.wakes
        .filter((wake): wake is Extract<Wake, { kind: K }> => wake.kind === kind)
        .map((wake) => ({ agent, wake })),
    );
  }

  /** The agent of a workflow's step; undefined where people do it. */
  agentOfStep(code: string): AnyAgent | undefined {
    return this.wokenBy('step').find(({ wake }) => wake.code === code)?.agent;
  }

  /** The agents that answer a person's intent. */
  agentsOfIntent(intent: string): AnyAgent[] {
    return this.wokenBy('conversation')
      .filter(({ wake }) => wake.intents.includes(intent))
      .map(({ agent }) => agent);
  }

  /**
   * Runs an agent.
   * @param value what the agent's input() takes
   * @throws FhirError: 400 for a wrong input, 403 and the like where the scope does not allow what the agent does, 504 when
   *   it takes too long, 500 for an error of the program, which only {@link RuntimeOptions.onError} is told of
   */
  async run(
    context: TenantContext,
    name: string,
    value: JsonValue,
    options: RunOptions = {},
  ): Promise<RunResult> {
    const agent = this.#agents.get(name);
    if (agent === undefined) throw fhirError(404, 'not-found', `There is no agent "${name}"`);
    const input: unknown = agent.input(value);
    return this.within(context, agent, value, options, (agentContext) => agent.run(input, agentContext));
  }

  /** As {@link run}, for work that is done in an agent's name: under its scope, recorded as a run. */
  async within(
    context: TenantContext,
    agent: AnyAgent,
    value: JsonValue,
    { caller, signal, runId = uuidV7(), within = [] }: RunOptions,
    work: (agentContext: AgentContext) => Promise<unknown>,
  ): Promise<RunResult> {
    const device = await this.devices.referenceOf(context, agent);
    const scope = agentScope(agent, context.tenant, device, caller);
    const actor: Actor = { device, subject: scope.subject, purpose: scope.purposeOfUse };
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(new RunTimeout(agent)), agent.timeout);
    const ends = signal === undefined ? timeout.signal : AbortSignal.any([timeout.signal, signal]);
    const started = Date.now();
    const began = performance.now();
    let output: unknown;
    let error: unknown;
    try {
      const agentContext = this.#contextOf(context, agent, scope, actor, runId, ends, caller, within);
      output = await Promise.race([this.#frames.run({ step: '' }, () => work(agentContext)), aborted(ends)]);
    } catch (thrown) {
      error = ends.aborted ? ends.reason : thrown;
    } finally {
      clearTimeout(timer);
    }
    const milliseconds = performance.now() - began;
    this.measures.ended(agent.name, endOf(error), milliseconds);
    const { name, version } = agent;
    const ended = { agent: name, version, runId, input: value, output, error, started, milliseconds };
    await this.#record(context.tenant, { kind: 'agent-run', ...ended }, actor);
    if (error === undefined) return { id: runId, output };
    if (error instanceof FhirError || signal?.aborted) throw error;
    this.options.onError(error, agent.name);
    throw fhirError(500, 'exception', `The agent ${agent.name} has failed`);
  }

  #contextOf(
    context: TenantContext,
    agent: AnyAgent,
    scope: AccessScope,
    actor: Actor,
    runId: string,
    signal: AbortSignal,
    caller: AccessScope | undefined,
    within: readonly string[],
  ): AgentContext {
    const { subject, purposeOfUse } = scope;
    const tools = (as: AccessScope) =>
      new ScopedTools(this.options.fhir(), context, as, {
        actor: {
          agent: subject,
          client: actor.device,
          request: runId,
          ...(purposeOfUse === undefined ? {} : { purpose: purposeOfUse }),
        },
        signal,
      });
    const step = <T>(name: string, input: JsonValue, work: () => Promise<T>) =>
      this.#step(context.tenant, agent, actor, runId, signal, name, input, work);
    const model = this.options.models?.of(context);
    let asked = 0;
    let delegated = 0;
    const agentContext: AgentContext = {
      tenant: context.tenant,
      baseUrl: context.baseUrl,
      scope,
      signal,
      now: this.options.now ?? (() => new Date()),
      run: { id: runId },
      fhir: tools(scope),
      directory: tools(directoryScope(context.tenant, actor.device)),
      idFor: (name) => idOf(runId, name),
      delegate: async (name, value) => {
        const chain = [...within, agent.name];
        if (chain.includes(name) || chain.length >= DEEPEST)
          throw new Error(`Agents call one another in a circle: ${[...chain, name].join(', ')}`);
        const inner = idOf(runId, 'delegate', name, String(delegated++));
        const result = await step(`delegate: ${name}`, { agent: name, run: inner }, () =>
          this.run(context, name, value, { caller, signal, runId: inner, within: chain }),
        );
        return result.output;
      },
      model: model && recordedModel(model, step),
      step,
      act: (code, reason, bundle, focus) =>
        act(
          { runtime: this, context, agent, agentContext, actor, place: asked++ },
          code,
          reason,
          bundle,
          focus,
        ),
    };
    return agentContext;
  }

  async #step<T>(
    tenant: Tenant,
    agent: AnyAgent,
    actor: Actor,
    runId: string,
    signal: AbortSignal,
    name: string,
    input: JsonValue,
    work: () => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const id = uuidV7();
    const parent = this.#frames.getStore()?.step || undefined;
    const started = Date.now();
    const began = performance.now();
    let output: T | undefined;
    let error: unknown;
    try {
      output = await this.#frames.run({ step: id }, work);
    } catch (thrown) {
      error = thrown ?? new Error('Nothing was thrown');
    }
    const ended: EndedStep = {
      kind: 'agent-step',
      agent: agent.name,
      version: agent.version,
      runId,
      step: { id, name, parent },
      input,
      output,
      error,
      started,
      milliseconds: performance.now() - began,
    };
    await this.#record(tenant, ended, actor);
    if (error !== undefined) throw error;
    return output as T;
  }

  /** The answer waits for its record, as everywhere where an audit log is kept. */
  async #record(tenant: Tenant, ended: EndedStep, actor: Actor): Promise<void> {
    await this.options.record(tenant, stepEvent(ended, actor));
  }
}

/** The model with every question to it as a step. */
function recordedModel(model: LanguageModel, step: AgentContext['step']): LanguageModel {
  return {
    complete: (request) =>
      step(`model: ${request.purpose}`, { system: request.system, input: request.input }, () =>
        model.complete(request),
      ),
  };
}

function endOf(error: unknown): RunEnd {
  if (error === undefined) return 'done';
  if (error instanceof RunTimeout) return 'timeout';
  return error instanceof FhirError && error.status < 500 ? 'refused' : 'failed';
}

/** Never resolves; rejects when the signal ends. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
