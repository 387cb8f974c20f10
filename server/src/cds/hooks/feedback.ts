import type { JsonValue } from '../../json/types.ts';
import { isInstant } from '../../validation/dates.ts';
import { Fields, fault } from './fields.ts';
import { codingOf } from './response.ts';
import type { CdsFeedback } from './types.ts';

const MOST = 100;

/**
 * Reads the body of a call of a feedback endpoint (CDS Hooks 2.0, Feedback).
 * @throws FhirError 400 that names the field
 */
export function parseFeedback(value: JsonValue | undefined): CdsFeedback[] {
  const list = new Fields(value, '').list('feedback', MOST);
  if (list.length === 0) throw fault('feedback', 'must not be empty');
  return list.map(({ value: one, at }) => {
    const fields = new Fields(one, at);
    const card = fields.text('card', 255);
    const outcome = fields.oneOf('outcome', ['accepted', 'overridden']);
    const outcomeTimestamp = fields.text('outcomeTimestamp');
    if (!isInstant(outcomeTimestamp))
      throw fault(fields.at('outcomeTimestamp'), 'must be an instant such as 2020-12-11T00:00:00Z');
    const accepted = fields
      .optionalList('acceptedSuggestions', MOST)
      ?.map((suggestion) => ({ id: new Fields(suggestion.value, suggestion.at).text('id', 255) }));
    if (outcome === 'accepted' && (accepted === undefined || accepted.length === 0))
      throw fault(fields.at('acceptedSuggestions'), 'is needed where the outcome is accepted', 'required');
    const reason = outcome === 'overridden' ? fields.optionalObject('overrideReason') : undefined;
    return {
      card,
      outcome,
      outcomeTimestamp,
      ...(outcome === 'accepted' && accepted !== undefined ? { acceptedSuggestions: accepted } : {}),
      ...(reason === undefined ? {} : overrideReasonOf(reason)),
    };
  });
}

/** Without reason and comment it says nothing, and empty elements are not to be handed on. */
function overrideReasonOf(fields: Fields): Pick<CdsFeedback, 'overrideReason'> {
  const reason = fields.optionalObject('reason');
  const userComment = fields.optionalText('userComment');
  if (reason === undefined && userComment === undefined) return {};
  return {
    overrideReason: {
      ...(reason === undefined ? {} : { reason: codingOf(reason) }),
      ...(userComment === undefined ? {} : { userComment }),
    },
  };
}
