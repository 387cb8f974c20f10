import type OpenAI from 'openai';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/** Where a model is. */
export interface EndpointSettings {
  /** Base URL of an OpenAI-compatible API, with its version: `https://host/v1`. */
  readonly url: string;
  readonly key?: string | undefined;
  readonly model: string;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What is sent: messages, and the schema that the answer is to follow. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly schema: JsonObject;
  readonly maxTokens: number;
  readonly signal: AbortSignal;
}

export interface ChatAnswer {
  /** The answer's text; undefined when the model refused or was cut off. */
  readonly text: string | undefined;
  /** The model that has answered. */
  readonly model: string;
  /** Tokens of question and answer, as the endpoint counts them; estimated where it does not. */
  readonly tokens: number;
}

/** A failure of the endpoint. */
export class EndpointError extends Error {
  /** Whether the same request may succeed a moment later. */
  readonly passing: boolean;
  /** Milliseconds that the endpoint asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(message: string, passing: boolean, retryAfter?: number) {
    super(message);
    this.passing = passing;
    this.retryAfter = retryAfter;
  }
}

/** One question to a model. Another protocol, or another client for this one, is another function of this type. */
export type AskEndpoint = (request: ChatRequest) => Promise<ChatAnswer>;

const MAX_ANSWER = 1_000_000;

/**
 * Asks an OpenAI-compatible endpoint by the package `openai`: chat completions, with a JSON schema as the response format.
 * It is loaded with the first question. Each question is asked once: who asks knows how often and how long it may be tried.
 */
export function openAiCompatible(settings: EndpointSettings): AskEndpoint {
  const { model } = settings;
  let client: Promise<OpenAI> | undefined;
  return async ({ messages, schema, maxTokens, signal }) => {
    client ??= clientOf(settings);
    let completion: unknown;
    try {
      const { chat } = await client;
      completion = await chat.completions.create(
        {
          model,
          messages: messages.map((message) => ({ ...message })),
          max_tokens: maxTokens,
          temperature: 0,
          response_format: {
            type: 'json_schema',
            json_schema: { name: 'answer', strict: true, schema },
          },
        },
        { signal },
      );
    } catch (error) {
      throw failureOf(error, signal);
    }
    return answerOf(completion as JsonValue, model, messages);
  };
}

async function clientOf({ url, key }: EndpointSettings): Promise<OpenAI> {
  const { default: Client } = await import('openai');
  return new Client({
    baseURL: url,
    // It refuses to be without a key; an endpoint that takes none is sent none.
    apiKey: key ?? 'none',
    ...(key === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    // What else it would take from the environment.
    organization: null,
    project: null,
    logLevel: 'off',
    maxRetries: 0,
    fetch: async (input, init) => bounded(await fetch(input, { ...init, redirect: 'error' })),
  });
}

/** What is wrong, in our words: those of the endpoint may hold what was asked. */
function failureOf(error: unknown, signal: AbortSignal): EndpointError {
  if (error instanceof EndpointError) return error;
  if (signal.aborted) return new EndpointError('It took too long', false);
  if (!(error instanceof Error)) return new EndpointError('It cannot be reached', true);
  if (error.cause instanceof EndpointError) return error.cause;
  const { status, headers } = error as { status?: unknown; headers?: unknown };
  if (typeof status === 'number') {
    const passing = status === 408 || status === 429 || status >= 500;
    return new EndpointError(`It answered ${status}`, passing, retryAfterOf(headers));
  }
  if (error instanceof SyntaxError) return new EndpointError('Its answer is no JSON', true);
  return new EndpointError('It cannot be reached', true);
}

function answerOf(json: JsonValue, asked: string, messages: readonly ChatMessage[]): ChatAnswer {
  const choice = isObject(json) ? objectsOf(json['choices'])[0] : undefined;
  const message = isObject(choice?.['message']) ? choice['message'] : undefined;
  if (!isObject(json) || message === undefined) throw new EndpointError('Its answer has no message', true);
  const { usage, model } = json;
  const total = isObject(usage) ? Number(usage['total_tokens']) : Number.NaN;
  const content = message['content'];
  const complete = choice?.['finish_reason'] !== 'length' && typeof content === 'string';
  const answered = typeof content === 'string' ? content.length : 0;
  const characters = messages.reduce((sum, one) => sum + one.content.length, answered);
  return {
    text: complete ? content : undefined,
    model: typeof model === 'string' ? model.slice(0, 200) : asked,
    // About four characters make a token.
    tokens: Number.isFinite(total) && total >= 0 ? total : Math.ceil(characters / 4),
  };
}

/** The same answer, read whole. @throws EndpointError for one that is too long */
async function bounded(response: Response): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new EndpointError('Its answer is too long', false);
    chunks.push(chunk);
  }
  const { status, headers } = response;
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers });
}

function retryAfterOf(headers: unknown): number | undefined {
  if (!(headers instanceof Headers)) return undefined;
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
