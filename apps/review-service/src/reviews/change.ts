import { DomainError, type JsonText, type OutputChange } from '@hitl/domain';
import { SandboxError, SANDBOXES } from '@hitl/sandbox';

/** Longer ones are not compared, in characters of both: that would take longer than there is, and the patch has all of the edit once more. */
const MAX_COMPARED = 1_048_576;

const UNKNOWN: OutputChange = { patch: null, textDiff: null, editDistance: null };

/**
 * Describes what a human made of the model's output. What would take too long, or is large, stays unknown.
 * @param owner who made it
 * @throws DomainError unavailable, while too many are being described
 */
export async function changeBetween(
  from: JsonText | null,
  to: JsonText,
  owner: string,
): Promise<OutputChange> {
  if ((from?.size ?? 0) + to.size > MAX_COMPARED) return UNKNOWN;
  try {
    return await SANDBOXES.checks.run<OutputChange>('describeChange', [from?.text ?? 'null', to.text], owner);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    if (error.reason !== 'busy') return UNKNOWN;
    throw new DomainError(
      'unavailable',
      'Too many edits are being checked right now. Nothing has happened; try again in a few seconds.',
    );
  }
}
