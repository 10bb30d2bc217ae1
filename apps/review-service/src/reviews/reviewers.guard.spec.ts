import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import type { Role } from '@hitl/domain';
import { ClaimNextReview, ReadDesk } from '@hitl/messaging';
import { ReviewersGuard } from './reviewers.guard';

const guard = new ReviewersGuard();
const callWith = (data: object) =>
  ({ switchToRpc: () => ({ getData: () => data }) }) as unknown as ExecutionContext;
const commandOf = (...roles: Role[]) => Object.assign(new ClaimNextReview(), { actor: 'ann', roles });

describe('a command of a person', () => {
  it.each(['reviewer', 'lead', 'admin'] as const)(
    'is taken from a %s, and tells no handler of it',
    (role) => {
      const command = commandOf(role);
      expect(guard.canActivate(callWith(command))).toBe(true);
      expect(command).not.toHaveProperty('roles');
    },
  );

  it.each([['submitter'], ['auditor'], ['submitter', 'auditor'], []] as Role[][])(
    'is refused from a caller who is %s %s',
    (...roles) => {
      expect(() => guard.canActivate(callWith(commandOf(...roles)))).toThrow(
        expect.objectContaining({ code: 'forbidden' }),
      );
    },
  );

  it('is refused where nobody says what they are, and other messages are not asked', () => {
    expect(() => guard.canActivate(callWith(new ClaimNextReview()))).toThrow(/may not review/);
    expect(guard.canActivate(callWith(new ReadDesk()))).toBe(true);
  });
});
