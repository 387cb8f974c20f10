/** Environment variables that every expression has (R4 fhirpath.html#variables; %ucum is the engine's own). */
const FIXED: ReadonlyMap<string, string> = new Map([
  ['sct', 'http://snomed.info/sct'],
  ['loinc', 'http://loinc.org'],
]);
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ['vs-', 'http://hl7.org/fhir/ValueSet/'],
  ['ext-', 'http://hl7.org/fhir/StructureDefinition/'],
]);
/** Texts and comments, in which nothing is meant, or the name of a variable in quotes. */
const TOKEN =
  /%"([^"]*)"|%'([^']*)'|%`([^`]*)`|%([A-Za-z_]\w*)|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/**
 * Prepares the environment variables that an expression uses: `%sct`, `%loinc`, `%"vs-[name]"` and `%"ext-[name]"`, whatever
 * the quotes are.
 * @throws Error for a variable that there cannot be
 * @returns the expression with such names in the quotes that the engine knows, and the values by name
 */
export function environment(expression: string): { expression: string; values: ReadonlyMap<string, string> } {
  const values = new Map(FIXED);
  const rewritten = expression.replace(
    TOKEN,
    (token, double?: string, quoted?: string, tick?: string, bare?: string) => {
      const name = double ?? quoted ?? tick ?? bare;
      if (name === undefined) return token;
      // The engine would find what every object has.
      if (name in Object.prototype) throw new Error(`there is no environment variable %${name}`);
      if (bare !== undefined) return token;
      for (const [prefix, base] of FAMILIES) {
        if (name.startsWith(prefix)) values.set(name, base + name.slice(prefix.length));
      }
      return name.includes('`') ? token : `%\`${name}\``;
    },
  );
  return { expression: rewritten, values };
}
