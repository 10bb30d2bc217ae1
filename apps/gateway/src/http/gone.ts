import type { FastifyReply } from 'fastify';

/**
 * Calls back once the connection of an answer is done with it, at once where it is already.
 * @param callback told whether all of the answer was handed to the system's network
 */
export function onceClosed({ raw }: FastifyReply, callback: (isSent: boolean) => void): void {
  const close = (): void => {
    callback(raw.writableFinished);
  };
  if (raw.destroyed) close();
  else raw.once('close', close);
}

/** Fires when the client goes away before it has been answered. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  onceClosed(reply, (isSent) => {
    if (!isSent) gone.abort();
  });
  return gone.signal;
}
