import { MAX_FINDINGS, type VerifiedChain } from './chain.service';
import { BooleanField, IntegerField, TextField, TimeField, UuidField } from '../http/fields';
import { ListField } from '../http/list-fields';

class ChainFindingDto {
  @TextField({
    nullable: true,
    description: 'The event, as the history names it; null where no single one is at fault',
  })
  event_id: string | null;

  @IntegerField({ nullable: true, description: "The event's number among the job's" })
  seq: number | null;

  @TextField({ nullable: true, description: "The event's type" })
  type: string | null;

  @TextField({
    description: 'What does not fit, for people; after the event where there is one.',
    example: 'follows number 2: 1 event before it missing',
  })
  what: string;
}

export class ChainDto {
  @UuidField()
  job_id: string;

  @TimeField()
  verified_at: string;

  @BooleanField({ description: 'Whether everything fits' })
  whole: boolean;

  @IntegerField({ description: 'How many events there are' })
  events: number;

  @ListField(ChainFindingDto, {
    description: `What does not fit, in the order of the events: the first ${MAX_FINDINGS}`,
  })
  findings: ChainFindingDto[];

  @BooleanField({ description: 'Whether there are more findings than are shown' })
  truncated: boolean;
}

export function toChain({ jobId, verifiedAt, events, findings, count }: VerifiedChain): ChainDto {
  return {
    job_id: jobId,
    verified_at: verifiedAt.toISOString(),
    whole: count === 0,
    events,
    findings: findings.map(({ eventId, seq, type, what }) => ({ event_id: eventId, seq, type, what })),
    truncated: count > findings.length,
  };
}
