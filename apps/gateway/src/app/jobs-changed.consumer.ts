import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ApiExcludeController } from '@nestjs/swagger';
import { JobChanged, RethrowFilter } from '@hitl/messaging';
import { EventTail } from '../events/event-tail.service';
import { WebhookSender } from '../webhooks/webhook-sender.service';
import { WaitingRoom } from '../waiting/waiting-room.service';

@ApiExcludeController()
@Controller()
@UseFilters(RethrowFilter)
export class JobsChangedConsumer {
  constructor(
    private readonly waitingRoom: WaitingRoom,
    private readonly events: EventTail,
    private readonly webhooks: WebhookSender,
  ) {}

  @EventPattern(JobChanged.pattern)
  async onChanged(@Payload() { changes }: JobChanged): Promise<void> {
    this.events.wake();
    const ended = changes.filter(({ status }) => status === 'success' || status === 'fail');
    if (ended.length > 0) this.webhooks.wake();
    await this.waitingRoom.wake(ended.map(({ jobId }) => jobId));
  }
}
