import { isObject, objectsOf } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
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

/** Asks an OpenAI-compatible endpoint: POST {url}/chat/completions, with a JSON schema as the response format. */
export function openAiCompatible({ url, key, model }: EndpointSettings): AskEndpoint {
  const address = `${url.replace(/\/+$/, '')}/chat/completions`;
  return async ({ messages, schema, maxTokens, signal }) => {
    let response: Response;
    let body: string;
    try {
      response = await fetch(address, {
        method: 'POST',
        signal,
        redirect: 'error',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/json',
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({
          model,
          messages,
          max_tokens: maxTokens,
          temperature: 0,
          response_format: {
            type: 'json_schema',
            json_schema: { name: 'answer', strict: true, schema },
          },
        }),
      });
      body = await bounded(response);
    } catch (error) {
      if (error instanceof EndpointError) throw error;
      throw new EndpointError(signal.aborted ? 'It took too long' : 'It cannot be reached', !signal.aborted);
    }
    if (!response.ok) {
      const passing = response.status === 408 || response.status === 429 || response.status >= 500;
      throw new EndpointError(`It answered ${response.status}`, passing, retryAfterOf(response));
    }
    return answerOf(body, model, messages);
  };
}

function answerOf(body: string, asked: string, messages: readonly ChatMessage[]): ChatAnswer {
  let json: JsonValue;
  try {
    json = parseJson(body);
  } catch {
    throw new EndpointError('Its answer is no JSON', true);
  }
  const choice = isObject(json) ? objectsOf(json['choices'])[0] : undefined;
  const message = isObject(choice?.['message']) ? choice['message'] : undefined;
  if (!isObject(json) || message === undefined) throw new EndpointError('Its answer has no message', true);
  const { usage, model } = json;
  const total = isObject(usage) ? Number(usage['total_tokens']) : Number.NaN;
  const content = message['content'];
  const complete = choice?.['finish_reason'] !== 'length' && typeof content === 'string';
  const characters = messages.reduce((sum, one) => sum + one.content.length, 0) + body.length;
  return {
    text: complete ? content : undefined,
    model: typeof model === 'string' ? model.slice(0, 200) : asked,
    // About four characters make a token.
    tokens: Number.isFinite(total) && total >= 0 ? total : Math.ceil(characters / 4),
  };
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new EndpointError('Its answer is too long', false);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
