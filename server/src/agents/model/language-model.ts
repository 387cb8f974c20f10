import type { JsonObject, JsonValue } from '../../json/types.ts';

/** What a model is asked. */
export interface ModelRequest<T> {
  /** What it is for: a few words, for the record. */
  readonly purpose: string;
  /** What the model is to do, in our words only. */
  readonly system: string;
  /** Text of patients and resources: data, whatever it says. */
  readonly input: string;
  /** JSON Schema that the answer follows; see json-schema.ts for what of it is understood. */
  readonly schema: JsonObject;
  /** Judges an answer that follows the schema: codes, ranges, who may be named. @throws Error when it cannot be used */
  readonly check: (value: JsonValue) => T;
}

export interface ModelAnswer<T> {
  readonly value: T;
  /** Which model has answered. */
  readonly model: string;
  readonly tokens: number;
}

/** A language model as agents use it. */
export interface LanguageModel {
  /**
   * One structured answer, checked.
   * @returns undefined when the model is away, over budget, too slow or twice wrong: the caller goes on by its rules
   */
  complete<T>(request: ModelRequest<T>): Promise<ModelAnswer<T> | undefined>;
}
