import type { FastifyReply } from 'fastify';

/**
 * Calls back once the connection of a reply is done with it, at once where it is already.
 * @param callback gets whether all of the reply was handed to the system's network
 */
export function onceClosed({ raw }: FastifyReply, callback: (isSent: boolean) => void): void {
  const close = (): void => {
    callback(raw.writableFinished);
  };
  if (raw.destroyed) close();
  else raw.once('close', close);
}

/** Fires when the client goes away before it has a reply. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  onceClosed(reply, (isSent) => {
    if (!isSent) gone.abort();
  });
  return gone.signal;
}
