import type { Review } from '../../api/client';
import { FORM_VERDICTS, type FormVerdict } from '../../verdicts/looks';
import { votesLeft } from '../../verdicts/votes';
import { editable } from '../response/answer';
import { resultOf } from '../response/result';

export type Form = FormVerdict | 'note';

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
  if (form !== null && form !== 'note') return FORM_VERDICTS[form].consequence(review.review);
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
