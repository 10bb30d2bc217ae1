import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { DomainError, may } from '@hitl/domain';
import { PersonsCommand } from '@hitl/messaging';

/** Refuses commands of people who may not review, whatever the gateway has let through. */
@Injectable()
export class ReviewersGuard implements CanActivate {
  /** @throws DomainError forbidden */
  canActivate(context: ExecutionContext): boolean {
    const command: unknown = context.switchToRpc().getData();
    if (!(command instanceof PersonsCommand)) return true;
    const { roles = [] } = command;
    // Who asked is part of no decision: asked again by one who has another role, it is the same.
    delete command.roles;
    if (may({ roles, scopes: null }, 'reviews:write')) return true;
    throw new DomainError(
      'forbidden',
      `The role ${roles.length > 0 ? roles.join(', ') : 'of the caller, which the gateway did not name,'} may not review.`,
    );
  }
}
