import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module';
import { ChainService } from './chain.service';
import { DecisionsController } from './decisions.controller';
import { DecisionsService } from './decisions.service';
import { ExportsController } from './exports.controller';
import { ExportsService } from './exports.service';
import { HistoryController } from './history.controller';
import { StatsController } from './stats.controller';
import { StatsService } from './stats.service';

/** What was decided, how long it took, and what can be learned from it. */
@Module({
  imports: [JobsModule],
  controllers: [HistoryController, DecisionsController, ExportsController, StatsController],
  providers: [ChainService, DecisionsService, ExportsService, StatsService],
})
export class InsightModule {}
