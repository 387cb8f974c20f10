import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonValue } from '../../json/types.ts';
import type { Connections } from '../../storage/connections.ts';
import { dayOf, reserveTokens, settleTokens } from '../../storage/events/model-use.ts';
import { CircuitBreaker } from './breaker.ts';
import { type AskEndpoint, type ChatAnswer, type ChatMessage, EndpointError } from './chat-endpoint.ts';
import { schemaFault } from './json-schema.ts';
import type { LanguageModel, ModelAnswer, ModelRequest } from './language-model.ts';
import { type ModelEnd, ModelMeasures } from './metrics.ts';
import { correctionOf, messagesOf } from './prompt.ts';
import { type KnownValues, type Redacted, redact, restore } from './redaction.ts';

export interface ModelOptions {
  /** Name of the model, for people. */
  readonly model: string;
  readonly ask: AskEndpoint;
  readonly connections: Connections;
  /** Tokens that a tenant may use in a day where its own setting says nothing. */
  readonly tokensPerDay: number;
  /** Milliseconds for one question with its second tries; default 20,000. */
  readonly timeout?: number;
  /** Tries of a question that fails for a passing reason; default 3. */
  readonly attempts?: number;
  /** Tokens of an answer; default 1500. */
  readonly maxTokens?: number;
  readonly breaker?: CircuitBreaker;
  /** Told of failures: they name no data. */
  readonly onFailure?: (reason: string) => void;
  readonly now?: () => number;
}

/** Longest input that is sent, in characters. */
const MAX_INPUT = 40_000;

/** The language model of an installation, as the runs of its tenants use it. */
export class ConfiguredModels {
  readonly measures = new ModelMeasures();
  readonly #options: ModelOptions;
  readonly #breaker: CircuitBreaker;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#breaker = options.breaker ?? new CircuitBreaker();
  }

  /**
   * The model for a tenant.
   * @param known what is known of the people a text may be about: it is taken out, besides what looks like it
   */
  of(context: Pick<TenantContext, 'tenant' | 'policy'>, known?: KnownValues): LanguageModel {
    return { complete: (request) => this.#complete(context, request, known) };
  }

  /** Whether the model answers at the moment. */
  health(): { state: 'up' | 'away'; model: string } {
    return { state: this.#breaker.isOpen ? 'away' : 'up', model: this.#options.model };
  }

  async #complete<T>(
    { tenant, policy }: Pick<TenantContext, 'tenant' | 'policy'>,
    request: ModelRequest<T>,
    known: KnownValues | undefined,
  ): Promise<ModelAnswer<T> | undefined> {
    const began = performance.now();
    const ended = (end: ModelEnd) => this.measures.ended(end, performance.now() - began);
    const { connections, maxTokens = 1500, now = Date.now, tokensPerDay } = this.#options;
    const budget = policy.tokensPerDay ?? tokensPerDay;
    const redacted = redact(request.input.slice(0, MAX_INPUT).toWellFormed(), known);
    const messages = messagesOf(request.system, redacted.text, nonce());
    const reserved = estimate(messages, JSON.stringify(request.schema)) + maxTokens;
    if (!this.#breaker.allows()) {
      ended('open-circuit');
      return undefined;
    }
    const day = dayOf(now());
    let used = 0;
    let open = true;
    try {
      if (!(await reserveTokens(connections, tenant, day, reserved, budget))) {
        ended('over-budget');
        return undefined;
      }
      open = false;
      const signal = AbortSignal.timeout(this.#options.timeout ?? 20_000);
      let dialogue: readonly ChatMessage[] = messages;
      // One correction: what is wrong twice would be wrong a third time.
      for (let turn = 0; turn < 2; turn++) {
        const answer = await this.#ask(dialogue, request, maxTokens, signal);
        used += answer.tokens;
        const judged = judge(request, answer.text, redacted);
        if ('value' in judged) {
          this.#breaker.succeeded();
          ended('answered');
          return { value: judged.value, model: answer.model, tokens: used };
        }
        this.#options.onFailure?.(`${request.purpose}: an answer that cannot be used`);
        dialogue = [...messages, ...correctionOf(answer.text ?? '', judged.fault)];
      }
      // It answers, if badly: the circuit stays closed.
      this.#breaker.succeeded();
      ended('unusable');
      return undefined;
    } catch (error) {
      this.#breaker.failed();
      if (!(error instanceof EndpointError)) throw error;
      this.#options.onFailure?.(`${request.purpose}: ${error.message}`);
      ended('failed');
      return undefined;
    } finally {
      if (open) this.#breaker.succeeded();
      else {
        this.measures.used(used);
        await settleTokens(connections, tenant, day, used - reserved);
      }
    }
  }

  /** @throws EndpointError when it fails for good */
  async #ask(
    messages: readonly ChatMessage[],
    { schema }: Pick<ModelRequest<unknown>, 'schema'>,
    maxTokens: number,
    signal: AbortSignal,
  ): Promise<ChatAnswer> {
    const { ask, attempts = 3 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask({ messages, schema, maxTokens, signal });
      } catch (error) {
        if (!(error instanceof EndpointError) || !error.passing || attempt >= attempts || signal.aborted)
          throw error;
        const wait = error.retryAfter ?? 250 * 2 ** attempt * (0.5 + Math.random());
        try {
          await sleep(Math.min(wait, 10_000), undefined, { signal });
        } catch {
          throw new EndpointError('It took too long', false);
        }
      }
    }
  }
}

/** What an answer is worth: a value, or what is wrong with it. */
function judge<T>(
  { schema, check }: ModelRequest<T>,
  text: string | undefined,
  redacted: Redacted,
): { value: T } | { fault: string } {
  if (text === undefined) return { fault: 'there is no whole answer' };
  let value: JsonValue;
  try {
    value = restored(parseJson(unfenced(text)), redacted);
  } catch {
    return { fault: 'it is no JSON' };
  }
  const fault = schemaFault(value, schema);
  if (fault !== undefined) return { fault };
  try {
    return { value: check(value) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message.slice(0, 300) : 'it was refused' };
  }
}

/** Models put JSON between fences though they are told not to. */
function unfenced(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n```\s*$/.exec(text)?.[1] ?? text;
}

/** The answer with what its marks stand for. */
function restored(value: JsonValue, redacted: Redacted): JsonValue {
  if (typeof value === 'string') return restore(value, redacted);
  if (Array.isArray(value)) return value.map((one) => restored(one, redacted));
  if (value === null || typeof value !== 'object' || 'rawJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, restored(one, redacted)]));
}

function estimate(messages: readonly ChatMessage[], schema: string): number {
  const characters = messages.reduce((sum, { content }) => sum + content.length, schema.length);
  // Two characters to a token: scripts other than Latin take more than the usual four.
  return Math.ceil(characters / 2);
}

function nonce(): string {
  return crypto.randomUUID().replaceAll('-', '');
}
