import { Module } from '@nestjs/common';
import { WaitingRoom } from './waiting-room.service';

/** Where clients wait for jobs to end. */
@Module({ providers: [WaitingRoom], exports: [WaitingRoom] })
export class WaitingModule {}
