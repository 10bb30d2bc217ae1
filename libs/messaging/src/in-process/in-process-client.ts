import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { QueueState } from '../queue-state';
import { queueOf } from '../topology';
import type { InProcessBroker } from './in-process-broker';

/** Puts messages into the queues of an {@link InProcessBroker}. */
export class InProcessClient extends ClientProxy {
  readonly ready = true;

  constructor(private readonly broker: InProcessBroker) {
    super();
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // Nothing is held.
  }

  queueState(pattern: string): Promise<QueueState> {
    return Promise.resolve(this.broker.state(queueOf(pattern)));
  }

  unwrap<T>(): T {
    return this.broker as T;
  }

  protected dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    this.broker.put(queueOf(String(packet.pattern)), { text: JSON.stringify(packet) });
    return Promise.resolve(undefined as T);
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    try {
      this.broker.put(queueOf(String(packet.pattern)), {
        text: JSON.stringify({ ...packet, id: 'in-process' }),
        // Through text, as over a wire.
        reply: (reply) => {
          callback({ ...(JSON.parse(JSON.stringify(reply)) as WritePacket), isDisposed: true });
        },
      });
    } catch (err) {
      callback({ err });
    }
    return () => undefined;
  }
}
