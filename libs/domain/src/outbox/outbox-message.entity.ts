import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A bell that must ring: written with the state change that needs it, deleted once the transport has it. */
@Entity('outbox')
export class OutboxMessage {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  /** The message's pattern, such as `inference.requested`. */
  @Column('text')
  pattern: string;

  @Column('uuid', { name: 'job_id' })
  jobId: string;

  /** From when on a poller may take it. Until then the process that wrote it publishes it. */
  @Column('timestamptz', { name: 'due_at' })
  dueAt: Date;
}
