import { Module } from '@nestjs/common';
import { LargeAnswers } from './large-answers';

/** What all doors share of HTTP. */
@Module({ providers: [LargeAnswers], exports: [LargeAnswers] })
export class HttpModule {}
