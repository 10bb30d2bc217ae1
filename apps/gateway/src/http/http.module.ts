import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { CallerGuard } from './caller';
import { ErrorForms } from './error-form';
import { ErrorsFilter } from './errors.filter';
import { LargeResponses } from './large-responses';
import { RouteTable } from './route-table';
import { UnreadResponses } from './unread-responses';
import { ValidatePipe } from './validate.pipe';

/** What all APIs share of HTTP. */
@Module({
  providers: [
    CallerGuard,
    ErrorForms,
    ErrorsFilter,
    LargeResponses,
    RouteTable,
    UnreadResponses,
    { provide: APP_FILTER, useExisting: ErrorsFilter },
    { provide: APP_GUARD, useExisting: CallerGuard },
    { provide: APP_PIPE, useClass: ValidatePipe },
  ],
  exports: [CallerGuard, ErrorForms, ErrorsFilter, LargeResponses, RouteTable, UnreadResponses],
})
export class HttpModule {}
