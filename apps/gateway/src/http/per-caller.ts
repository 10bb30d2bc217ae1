import type { DomainError } from '@hitl/domain';
import { networkOf } from '@hitl/service';

/** Counts what each caller has open, by address, and refuses what is more than one may have. */
export class PerCaller {
  private readonly open = new Map<string, number>();

  /** @param refusal the error of a caller that has `most` already */
  constructor(
    private readonly most: number,
    private readonly refusal: (caller: string, most: number) => DomainError,
  ) {}

  /**
   * Counts one more.
   * @param caller its address
   * @returns to be called once, when it has ended
   * @throws DomainError the refusal
   */
  enter(caller: string): () => void {
    const network = networkOf(caller);
    const count = this.open.get(network) ?? 0;
    if (count >= this.most) throw this.refusal(caller, this.most);
    this.open.set(network, count + 1);
    return () => {
      const left = (this.open.get(network) ?? 1) - 1;
      if (left > 0) this.open.set(network, left);
      else this.open.delete(network);
    };
  }
}
