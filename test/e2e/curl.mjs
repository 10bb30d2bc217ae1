// What the documented curl lines send, on a machine that has no curl.
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    request: { type: 'string', short: 'X' },
    data: { type: 'string', short: 'd' },
    silent: { type: 'boolean', short: 's' },
    'show-error': { type: 'boolean', short: 'S' },
    'write-out': { type: 'string', short: 'w' },
  },
});
const { data, request: method = data === undefined ? 'GET' : 'POST', 'write-out': end = '' } = values;
const sent = request(positionals[0] ?? '', {
  method,
  headers: { accept: '*/*', 'user-agent': 'curl/7.88.1' },
});
if (data !== undefined) sent.setHeader('content-type', 'application/x-www-form-urlencoded');
sent.on('response', async (response) => {
  process.stdout.write((await text(response)) + end.replace('%{http_code}', String(response.statusCode)));
});
sent.end(data);
