export type { PlanContext } from './context.ts';
export { planIncludes, readIncludes, specsOfRound } from './include.ts';
export { estimatedCost, estimatedRows, planSearch, type SearchPlan, singleToken } from './plan.ts';
export type { FoundRow } from './rows.ts';
export { compartmentCondition, scopeCondition, typeCondition } from './scope.ts';
export { SqlBuilder, type SqlStatement } from './sql.ts';
