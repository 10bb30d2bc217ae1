import { DomainError, type JsonText, type OutputChange } from '@hitl/domain';
import { SandboxError, SANDBOXES } from '@hitl/sandbox';

const UNKNOWN: OutputChange = { patch: null, textDiff: null, editDistance: null };

/**
 * Describes what a human made of the model's output. What would take too long stays unknown.
 * @param owner who made it
 * @throws DomainError unavailable, while too many are being described
 */
export async function changeBetween(
  from: JsonText | null,
  to: JsonText,
  owner: string,
): Promise<OutputChange> {
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
