import { type ScopeLanguage, WORDS } from './describe-words.ts';
import type { ContextScope, ResourceScope } from './scope.ts';

/**
 * A scope in words for the person who consents to it.
 * @param language a BCP 47 tag; English where there are no words of it
 */
export function describeScope(scope: ResourceScope | ContextScope, language = 'en'): string {
  const words = WORDS[languageOf(language)];
  if (typeof scope === 'string') return words.context[scope];
  const actions = scope.permissions.map((one) => words.permissions[one]);
  const last = actions.pop() ?? '';
  const doing = actions.length === 0 ? last : `${actions.join(', ')}${words.and}${last}`;
  const what = scope.type === '*' ? words.everything : (words.types[scope.type] ?? spaced(scope.type));
  const sentence = words.sentence[scope.context].replace('{do}', doing).replace('{what}', what);
  if (scope.search.length === 0) return sentence;
  const parts = scope.search.map(([name, value]) => {
    const code = value.split('|').at(-1) ?? value;
    return name === 'category' ? (words.categories[code] ?? value) : `${name} ${value}`;
  });
  return `${sentence}${words.only}${parts.join(', ')}`;
}

function languageOf(tag: string): ScopeLanguage {
  const language = tag.toLowerCase().split('-')[0] as string;
  return Object.hasOwn(WORDS, language) ? (language as ScopeLanguage) : 'en';
}

/** `ImagingStudy` as `imaging study`. */
function spaced(type: string): string {
  return type.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase();
}
