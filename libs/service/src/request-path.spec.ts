import { describe, expect, it } from '@jest/globals';
import { basePath, requestPath } from './request-path';

describe('the address of a request', () => {
  it.each([
    ['/v1/jobs?limit=1', '/v1/jobs?limit=1'],
    ['/v1/jobs/', '/v1/jobs'],
    ['//v1///jobs//?a=//b/', '/v1/jobs?a=//b/'],
    ['http://desk.example/v1/jobs/', '/v1/jobs'],
    ['HTTPS://desk.example:8443?x', '/?x'],
    ['/', '/'],
    ['//', '/'],
    ['', '/'],
    ['*', '*'],
    ['/v1/jobs/%2F', '/v1/jobs/%2F'],
  ])('%j is read as %j', (url, path) => {
    expect(requestPath(url, '')).toBe(path);
  });

  it.each([
    ['/hitl/v1/jobs', '/v1/jobs'],
    ['/hitl', '/'],
    ['/hitl/?a', '/?a'],
    ['//hitl//queue/', '/queue'],
    // From a proxy that has taken the sub-path away.
    ['/v1/jobs', '/v1/jobs'],
    ['/hitlist', '/hitlist'],
    ['/hitl/hitl/x', '/hitl/x'],
  ])('%j below /hitl is read as %j', (url, path) => {
    expect(requestPath(url, '/hitl')).toBe(path);
  });

  it('has the sub-path that PUBLIC_URL names', () => {
    expect(
      [undefined, 'https://a.example', 'https://a.example/', 'https://a.example/x/y/'].map(basePath),
    ).toEqual(['', '', '', '/x/y']);
  });
});
