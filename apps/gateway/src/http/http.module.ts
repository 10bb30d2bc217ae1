import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { CallerGuard } from './caller';
import { ErrorForms } from './error-form';
import { ErrorsFilter } from './errors.filter';
import { LargeAnswers } from './large-answers';
import { RouteTable } from './route-table';
import { UnreadAnswers } from './unread-answers';
import { ValidatePipe } from './validate.pipe';

/** What all APIs share of HTTP. */
@Module({
  providers: [
    CallerGuard,
    ErrorForms,
    ErrorsFilter,
    LargeAnswers,
    RouteTable,
    UnreadAnswers,
    { provide: APP_FILTER, useExisting: ErrorsFilter },
    { provide: APP_GUARD, useExisting: CallerGuard },
    { provide: APP_PIPE, useClass: ValidatePipe },
  ],
  exports: [CallerGuard, ErrorForms, ErrorsFilter, LargeAnswers, RouteTable, UnreadAnswers],
})
export class HttpModule {}
