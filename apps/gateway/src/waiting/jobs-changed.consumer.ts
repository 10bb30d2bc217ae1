import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { JobChanged, RethrowFilter } from '@hitl/messaging';
import { EventTail } from '../events/event-tail.service';
import { WaitingRoom } from './waiting-room.service';

@Controller()
@UseFilters(RethrowFilter)
export class JobsChangedConsumer {
  constructor(
    private readonly waitingRoom: WaitingRoom,
    private readonly events: EventTail,
  ) {}

  @EventPattern(JobChanged.pattern)
  async onChanged(@Payload() { changes }: JobChanged): Promise<void> {
    this.events.wake();
    const ended = changes.filter(({ status }) => status === 'success' || status === 'fail');
    await this.waitingRoom.wake(ended.map(({ jobId }) => jobId));
  }
}
