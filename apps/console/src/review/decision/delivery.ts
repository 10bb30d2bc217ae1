import type { Decision, Review } from '../../api/client';
import type { JsonSource } from '../../json/source';
import { editable, edited } from '../response/answer';

export type Form = 'reject' | 'regenerate' | 'note';

/**
 * The response as it would be delivered now, or why what is written cannot be.
 * @param text what a reviewer has made of it; null: nothing
 */
export function resultOf(
  response: JsonSource | null,
  text: string | null,
): { response: JsonSource | null; fault?: undefined } | { fault: string } {
  if (text === null) return { response };
  try {
    return { response: edited(response, text) };
  } catch (error) {
    return { fault: isJson(text) ? (error as SyntaxError).message : 'this is not JSON' };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** How many more people must decide like this until it takes effect, whoever decides now among them; of an edit nobody has yet. */
export function votesLeft(
  {
    approvals,
    approved_by,
    rejected_by,
  }: Pick<Review['review'], 'approvals' | 'approved_by' | 'rejected_by'>,
  verdict: Decision['verdict'],
): number {
  const like = { approve: approved_by, reject: rejected_by, edit: [] };
  return verdict === 'regenerate' ? 1 : Math.max(1, approvals - like[verdict].length);
}

/**
 * What the decision that is being prepared would do, in one sentence.
 * @param formFault how what is written breaks the form that its request asks for; null: it does not, as far as is known
 */
export function consequenceOf(
  review: Review,
  text: string | null,
  form: Form | null,
  formFault: string | null = null,
): string {
  const { approvals } = review.review;
  const { response } = review;
  if (form === 'reject')
    return votesLeft(review.review, 'reject') > 1
      ? `Rejecting is one vote of ${approvals}: that many reviewers must agree.`
      : 'Rejecting delivers nothing, and ends the job.';
  if (form === 'regenerate')
    return 'Nothing is delivered: the model’s new response waits for a reviewer again.';
  if (text !== null && text !== editable(response).text) {
    const { fault } = resultOf(response, text);
    if (fault !== undefined) return `Nothing can be delivered yet: ${fault}.`;
    if (formFault !== null)
      return `Nothing can be delivered yet: this breaks the form that the request asks for. ${formFault}`;
    return approvals > 1
      ? `Saving proposes your version: 1 of ${approvals} approvals, yours.`
      : 'Saving delivers your version, not the model’s.';
  }
  const verb = text === null ? 'Approving' : 'You have changed nothing: saving';
  if (votesLeft(review.review, 'approve') > 1)
    return `${verb} is one of ${approvals} approvals: others must agree before it is delivered.`;
  return `${verb} delivers ${review.edited ? 'this response as a person has changed it' : 'this response as the model wrote it'}.`;
}
