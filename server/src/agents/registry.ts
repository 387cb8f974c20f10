import type { AnyAgent } from './agent.ts';

/** All agents of the server. A new one is a folder beside this file and a line here. */
export const AGENTS: readonly AnyAgent[] = [];
