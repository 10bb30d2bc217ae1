import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module';
import { AuditController } from './audit.controller';
import { AuditService } from './audit.service';
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
  controllers: [HistoryController, AuditController, DecisionsController, ExportsController, StatsController],
  providers: [AuditService, ChainService, DecisionsService, ExportsService, StatsService],
})
export class InsightModule {}
