import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { DomainError, ERRORS, type ErrorCode } from '@hitl/domain';
import type { PinoLogger } from '@hitl/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_TYPE, toProblem } from './problem';

/** What Node's HTTP parser gives up on, by its error code; anything else is no HTTP. */
const PARSER_ERRORS: Record<string, [ErrorCode, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request did not arrive completely in time.'],
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The address and headers together are larger than 16 KiB.'],
};

/**
 * Options for Fastify that answer with a problem what no route ever sees: requests which are no HTTP, and addresses
 * that cannot be decoded. What was sent is not logged.
 */
export function refuseUnreadable(logger: PinoLogger) {
  return {
    clientErrorHandler(fault: Error & { code?: string }, socket: Socket): void {
      if (socket.writable && fault.code !== 'ECONNRESET') {
        const [code, detail] = PARSER_ERRORS[fault.code ?? ''] ?? [
          'invalid_request',
          'This is not a request as HTTP/1.1 has it: a header, the length or the encoding of the body is malformed.',
        ];
        const requestId = randomUUID();
        const { status } = ERRORS[code];
        logger.info({ requestId, status, fault: fault.code }, 'a request that cannot be read');
        const body = JSON.stringify(toProblem(new DomainError(code, detail), requestId));
        socket.write(
          [
            `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
            `content-type: ${PROBLEM_TYPE}`,
            `content-length: ${Buffer.byteLength(body)}`,
            `x-request-id: ${requestId}`,
            'connection: close',
            '',
            body,
          ].join('\r\n'),
        );
      }
      socket.destroy();
    },

    frameworkErrors(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
      const error = new DomainError('invalid_request', 'The address cannot be decoded: a % is out of place.');
      reply
        .status(ERRORS[error.code].status)
        .header('content-type', PROBLEM_TYPE)
        .header('x-request-id', request.id)
        .send(JSON.stringify(toProblem(error, request.id, request.url)));
    },
  };
}

/** Listener for `checkExpectation`: nothing but 100-continue can be expected of this server. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const error = new DomainError('expectation_failed', 'Leave the header Expect out, or send 100-continue.');
  const requestId = randomUUID();
  const body = JSON.stringify(toProblem(error, requestId, request.url));
  response
    .writeHead(ERRORS[error.code].status, {
      'content-type': PROBLEM_TYPE,
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
      connection: 'close',
    })
    .end(body);
}
