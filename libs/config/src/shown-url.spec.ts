import { describe, expect, it } from '@jest/globals';
import { isLoopback, shownUrl } from './shown-url';

describe('a URL in a message', () => {
  it.each([
    ['postgres://u:secret@host:5432/db', 'postgres://host:5432/db'],
    ['postgres://u:sec/ret@host/db', 'postgres://host/db'],
    ['postgres://u:sec?r#et@host/db', 'postgres://host/db'],
    ['postgres://u:sec@ret@host/db', 'postgres://host/db'],
    ['postgres:///db?host=/run&password=secret', 'postgres:///db'],
    ['postgres://host/db?user=u@x&password=secret', 'postgres://x'],
    ['amqps://u:secret@[::1]:5671/%2f', 'amqps://[::1]:5671/%2f'],
    ['amqp://u:secret@a/v,amqps://u:sec,ret@b:5671', 'amqp://a/v,amqps://b:5671'],
    ['amqp://a, amqp://b', 'amqp://a,amqp://b'],
    ['amqp://u:secret,amqp://secret@a', '(not shown)'],
    ['secret', '(not shown)'],
    ['u:secret@host', '(not shown)'],
  ])('%s is shown as %s', (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.2', false],
  ['127.0.0.1.example', false],
])('%s is reached from this machine only: %s', (host, only) => {
  expect(isLoopback(host)).toBe(only);
});
