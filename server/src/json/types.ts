/** A JSON value as the strict parser returns it. Numbers whose text is not what JavaScript would print are {@link ExactNumber}s. */
export type JsonValue = null | boolean | number | string | ExactNumber | JsonValue[] | JsonObject;
export interface JsonObject {
  [name: string]: JsonValue;
}

/**
 * A number that keeps the digits it was written with (R4 datatypes.html#decimal: precision is significant).
 * Made with `JSON.rawJSON(text)`, so `JSON.stringify` writes exactly `rawJSON`.
 */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** A FHIR resource in its JSON form. */
export interface Resource extends JsonObject {
  resourceType: string;
}
