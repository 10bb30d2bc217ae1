import { Module } from '@nestjs/common';
import { Holds } from './holds.service';
import { WaitingRoom } from './waiting-room.service';

/** Where clients wait for jobs to end. */
@Module({ providers: [Holds, WaitingRoom], exports: [Holds, WaitingRoom] })
export class WaitingModule {}
