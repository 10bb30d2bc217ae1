import { Injectable } from '@nestjs/common';
import {
  DomainError,
  ExportReader,
  preferenceRow,
  sftRow,
  writeJson,
  type ExportFilter,
  type Scope,
} from '@hitl/domain';
import { oneLine } from '../http/one-line';
import { CSV_HEADER, decisionLines } from './decision-csv';

/** Exports that one gateway writes at once: each holds a few megabytes, and keeps the database busy. */
const MAX_AT_ONCE = 4;

/** Which rows, and how many at most: all of them unless given. */
interface ExportRequest extends ExportFilter {
  limit?: number;
}

/** Lines of a file, each with its end. */
interface Lines {
  text: string;
  count: number;
}

/** The files of exports, a page of rows after the other. They end early when the client has gone. */
@Injectable()
export class ExportsService {
  private underWay = 0;

  constructor(private readonly reader: ExportReader) {}

  /** Prompts and approved responses, a line of JSON each. The first page may throw DomainError too_many_exports. */
  sft(scope: Scope, request: ExportRequest, gone: AbortSignal): AsyncGenerator<string> {
    return this.file('', this.reader.approved(scope, request, gone), request.limit, (responses, most) =>
      jsonLines(responses.map(sftRow), most),
    );
  }

  /** Approved responses beside those that people did not want, a line of JSON each. Throws as {@link sft}. */
  preferences(scope: Scope, request: ExportRequest, gone: AbortSignal): AsyncGenerator<string> {
    return this.file('', this.reader.corrections(scope, request, gone), request.limit, (corrections, most) =>
      jsonLines(corrections.map(preferenceRow), most),
    );
  }

  /** Decisions as CSV. Throws as {@link sft}. */
  decisions(scope: Scope, request: ExportRequest, gone: AbortSignal): AsyncGenerator<string> {
    return this.file(
      CSV_HEADER,
      this.reader.decisions(scope, request, gone),
      request.limit,
      (decisions, most) => {
        const rows = decisions.slice(0, most);
        return { text: decisionLines(rows), count: rows.length };
      },
    );
  }

  private async *file<Row>(
    header: string,
    pages: AsyncGenerator<Row[]>,
    limit: number | undefined,
    toLines: (page: Row[], most: number) => Lines,
  ): AsyncGenerator<string> {
    if (this.underWay >= MAX_AT_ONCE) {
      throw new DomainError(
        'too_many_exports',
        `This gateway writes ${MAX_AT_ONCE} exports already. Try again when one has ended.`,
      );
    }
    this.underWay += 1;
    try {
      let text = header;
      let left = limit ?? Infinity;
      for await (const page of pages) {
        const lines = toLines(page, left);
        left -= lines.count;
        text += lines.text;
        if (text !== '') yield text;
        text = '';
        if (left === 0) return;
      }
      if (text !== '') yield text;
    } finally {
      this.underWay -= 1;
    }
  }
}

function jsonLines(rows: (object | null)[], most: number): Lines {
  const lines = rows.flatMap((row) => (row ? [oneLine(writeJson(row))] : [])).slice(0, most);
  return { text: lines.map((line) => `${line}\n`).join(''), count: lines.length };
}
