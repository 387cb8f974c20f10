import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Thrown for a wrong command line: the message and the command's help are shown, the exit code is 2. */
export class UsageError extends Error {}

/** A subcommand of `vesta`. */
export interface Command {
  /** Text of `--help`. */
  readonly help: string;
  /** @returns the exit code */
  run(args: string[]): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Parses a command's arguments; `--help` is always known.
 * @param positionals how many there may be: [least, most]
 * @throws UsageError for unknown options, missing values and too few or many positionals
 */
export function parse<O extends Options>(
  args: string[],
  options: O,
  [least, most]: readonly [number, number],
): {
  values: { [name in keyof O]?: O[name]['type'] extends 'boolean' ? boolean : string } & { help?: boolean };
  positionals: string[];
} {
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (!values['help'] && positionals.length < least) throw new UsageError('An argument is missing');
  if (!values['help'] && positionals.length > most)
    throw new UsageError(`"${positionals[most]}" is one too many`);
  return { values, positionals } as never;
}

/** A whole number from an option. @throws UsageError */
export function wholeNumber(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < min || number > max) {
    throw new UsageError(
      `--${name}: "${text}" is not allowed; it must be a whole number from ${min} to ${max}`,
    );
  }
  return number;
}
