import type { JsonValue } from '../../json/types.ts';
import type { CodeVerdict } from '../../terminology/provider.ts';
import type { TenantTerminology } from '../../terminology/tenant-terminology.ts';
import {
  type DeferredAnswers,
  DeferredTerminology,
  questionKey,
  type TerminologyQuestion,
} from '../../validation/profiles/deferred-terminology.ts';
import {
  type CodeResult,
  type ValidationIssue,
  type ValidationRequest,
  type Validators,
  validateResource,
} from '../../validation/profiles/index.ts';

/** What a validation may spend on questions of terminology. */
export interface TerminologyBudget {
  /** Times that the resource is validated again with new answers. */
  readonly rounds: number;
  /** Questions of each time. */
  readonly questions: number;
  /** Questions that are asked at once. */
  readonly concurrency: number;
  /** Milliseconds for all of them; after that codes are `unknown`. */
  readonly time: number;
}

const BUDGET: TerminologyBudget = { rounds: 6, questions: 2000, concurrency: 16, time: 10_000 };

/**
 * Validates a resource as validateResource does, with the codes that packages cannot judge, or that the tenant defines
 * itself, judged by the tenant's terminology. Where packages know all codes nothing is asked, and it is done in one go.
 *
 * @param validators made with a {@link DeferredTerminology}; with any other terminology that alone answers
 * @param ask the tenant's terminology, see tenantTerminology
 * @returns the issues of the last run; a code that could not be judged within the budget is reported as unchecked
 * @throws Error of the database when `ask` fails
 */
export async function validateWithTerminology(
  resource: JsonValue,
  validators: Validators,
  request: ValidationRequest,
  ask: TenantTerminology,
  budget: Partial<TerminologyBudget> = {},
): Promise<ValidationIssue[]> {
  const { terminology } = validators;
  if (!(terminology instanceof DeferredTerminology)) return validateResource(resource, validators, request);
  const { rounds, questions, concurrency, time } = { ...BUDGET, ...budget };
  const answers = new Map<string, CodeResult>();
  let deadline: number | undefined;
  for (let round = 0; ; round++) {
    const open = new Map<string, TerminologyQuestion>();
    const state: DeferredAnswers = { overrides: (url) => ask.overrides(url), answers, open, most: questions };
    const issues = terminology.during(state, () => validateResource(resource, validators, request));
    if (open.size === 0 || round === rounds) return issues;
    deadline ??= performance.now() + time;
    if (performance.now() > deadline) return issues;
    await answerAll([...open.values()], ask, answers, concurrency, deadline);
  }
}

/** Asks questions, some at a time; those that are open when the time is up are answered as unknown. */
async function answerAll(
  questions: readonly TerminologyQuestion[],
  ask: TenantTerminology,
  answers: Map<string, CodeResult>,
  concurrency: number,
  deadline: number,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()));
  });
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < questions.length && !failed && performance.now() < deadline) {
      const question = questions[next++] as TerminologyQuestion;
      const { system, version, code, display, valueSet } = question;
      const verdict = await ask
        .validateCode(system, code, display, valueSet, version)
        .catch((error: unknown) => {
          failed = true;
          throw error;
        });
      answers.set(questionKey(question), resultOf(verdict));
    }
  };
  try {
    const workers = Array.from({ length: Math.min(concurrency, questions.length) }, work);
    await Promise.race([Promise.all(workers), timeUp]);
  } finally {
    clearTimeout(timer);
  }
  for (const question of questions) {
    const key = questionKey(question);
    if (!answers.has(key)) answers.set(key, TOO_LATE);
  }
}

const TOO_LATE: CodeResult = {
  result: 'unknown',
  message: 'the time for questions of terminology is used up',
};

/** A verdict of the terminology service in the validator's terms. */
function resultOf(verdict: CodeVerdict): CodeResult {
  const { result, message, display, wrongDisplay, inactive, notInSystem, unknownValueSet, unknownVersion } =
    verdict;
  if (result === true) {
    return {
      result: 'yes',
      ...(inactive === true && message !== undefined ? { message } : {}),
      ...(wrongDisplay === true && display !== undefined ? { display } : {}),
    };
  }
  return {
    result: result === false ? 'no' : 'unknown',
    ...(message === undefined ? {} : { message }),
    ...(notInSystem === true ? { notInSystem } : {}),
    ...(unknownValueSet === true ? { unknownValueSet } : {}),
    ...(unknownVersion === true ? { unknownVersion } : {}),
  };
}
