export { type ContainedMatch, containedMatches, filterContained } from './contained.ts';
export type { MatchContext } from './lookup.ts';
export { matches } from './matches.ts';
