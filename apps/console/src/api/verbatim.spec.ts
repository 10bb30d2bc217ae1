import { describe, expect, it } from '@jest/globals';
import { jsonSource } from '../json/source';
import { bodyOf, withSources } from './verbatim';

const WRITTEN = '{ "2": 1.0, "1": 12345678901234567890, "__proto__": 1e400, "t": "\\ud800\\u0000" }';

describe('the body of an answer', () => {
  it('has what others have written as a text, and all else as it is', () => {
    const schema = { properties: { response: { type: 'string' } } };
    const body = JSON.stringify({
      id: 'x',
      metadata: { payload: 'p' },
      response_schema: schema,
      model_response: null,
    });
    const whole = body.replace('{', `{ "payload" : ${WRITTEN},"response":7 ,`);
    expect(JSON.parse(withSources(whole))).toEqual({
      payload: WRITTEN,
      response: '7',
      id: 'x',
      metadata: { payload: 'p' },
      response_schema: schema,
      model_response: null,
    });
  });

  it('has it in each earlier answer, too', () => {
    const body = `{"outputs": [{"revision": 1, "response": ${WRITTEN}}, {"response": null}], "events": [{"data": {"response": 1}}]}`;
    expect(JSON.parse(withSources(body))).toEqual({
      outputs: [{ revision: 1, response: WRITTEN }, { response: null }],
      events: [{ data: { response: 1 } }],
    });
  });

  it.each(['', 'Bad gateway', '{"payload": ', '[1]', '"payload"'])('is left alone where it is %j', (body) => {
    expect(withSources(body)).toBe(body);
  });
});

describe('the body of a request', () => {
  it('has what was written as it was written', () => {
    expect(bodyOf({ verdict: 'edit', response: jsonSource(WRITTEN), reason: 'x', id: undefined })).toBe(
      `{"verdict":"edit","response":${WRITTEN},"reason":"x"}`,
    );
    expect(bodyOf({ payload: jsonSource('"text"'), priority: 0, metadata: {} })).toBe(
      '{"payload":"text","priority":0,"metadata":{}}',
    );
  });
});
