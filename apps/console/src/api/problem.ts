import type { components } from './schema';

export type Problem = components['schemas']['Problem'];

/** A refusal of the gateway, or that it could not be reached. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** 0: there was no answer. */
    readonly status: number,
    readonly problem?: Problem,
  ) {
    super(message);
  }

  get code(): string {
    return this.problem?.code ?? 'unreachable';
  }

  /** Whether the same request may succeed a little later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** What to tell a person about anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
