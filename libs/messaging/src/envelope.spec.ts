import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@hitl/domain';
import fc from 'fast-check';
import { fromReplyError, openEnvelope, PoisonError, toReplyError } from './envelope';
import { InferenceRequested } from './messages/events';
import { ReadPolicy } from './messages/policy-commands';
import type { QueueKey } from './topology';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const open = (value: unknown, queue: QueueKey = 'inference') => openEnvelope(queue, JSON.stringify(value));

describe('an envelope', () => {
  it('opens into an instance of its message class', () => {
    const { pattern, data, id } = open({ pattern: 'inference.requested', data: { jobId: ID } });
    expect({ pattern, id }).toEqual({ pattern: 'inference.requested', id: undefined });
    expect(data).toBeInstanceOf(InferenceRequested);
    expect(data).toEqual({ jobId: ID });
  });

  it('keeps the id of a request', () => {
    expect(open({ pattern: 'inference.requested', data: { jobId: ID }, id: '7' }).id).toBe('7');
  });

  it('leaves the JSON inside a field alone', () => {
    const changes = [
      { jobId: ID, status: 'bot', more: { constructor: 1, '': null, date: '2020-01-01T00:00:00Z' } },
    ];
    const { data } = open({ pattern: 'job.changed', data: { changes } }, 'jobChanges');
    expect(data).toEqual({ changes });
  });

  it('opens into a message that has no fields', () => {
    expect(open({ pattern: 'policies.read', data: {} }, 'reviewCommands').data).toBeInstanceOf(ReadPolicy);
  });

  const request = (data: unknown) => JSON.stringify({ pattern: 'inference.requested', data });
  it.each([
    ['text that is no JSON', '{"pattern"', /^not JSON$/],
    ['JSON that is no object', '[1]', /^not a JSON object$/],
    ['null', 'null', /^not a JSON object$/],
    ['no pattern', '{"data":{}}', /^no pattern$/],
    ['a pattern that is no text', '{"pattern":{"cmd":"x"},"data":{}}', /^no pattern$/],
    [
      "another queue's pattern",
      '{"pattern":"review.decide","data":{}}',
      /does not belong to hitl\.inference/,
    ],
    ['no data', '{"pattern":"inference.requested"}', /inference\.requested without data/],
    ['data that is a list', request([ID]), /without data/],
    ['a field that is missing', request({}), /unusable jobId/],
    ['a field of the wrong shape', request({ jobId: 'secret' }), /unusable jobId/],
    [
      'a constructor in its data',
      request({ jobId: 'secret', constructor: { prototype: null } }),
      /field that is no message's/,
    ],
    [
      'a prototype in its data',
      '{"pattern":"inference.requested","data":{"__proto__":null}}',
      /field that is no message's/,
    ],
  ])('with %s is poison, and the error says what but not the content', (_name, text, message) => {
    expect(() => openEnvelope('inference', text)).toThrow(PoisonError);
    expect(() => openEnvelope('inference', text)).toThrow(message);
    expect(() => openEnvelope('inference', text)).not.toThrow(/secret/);
  });

  it.each(['', 'x'.repeat(129), '\u202eana', null])(
    'with the name %j, which nobody has, is poison',
    (actor) => {
      expect(() => open({ pattern: 'review.desk', data: { actor } }, 'reviewCommands')).toThrow(
        /unusable actor/,
      );
    },
  );

  it('is opened or is poison, whatever the text', () => {
    const json = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          pattern: fc.oneof(fc.constantFrom('review.decide', 'review.edit'), fc.string()),
          data: fc.oneof(
            fc.dictionary(
              fc.constantFrom(
                'id',
                'jobId',
                'actor',
                'verdict',
                'revision',
                'constructor',
                'toString',
                '__proto__',
              ),
              fc.jsonValue(),
            ),
            fc.jsonValue(),
          ),
          id: fc.jsonValue(),
        })
        .map((envelope) => JSON.stringify(envelope)),
    );
    fc.assert(
      fc.property(json, (text) => {
        try {
          openEnvelope('reviewCommands', text);
        } catch (error) {
          expect(error).toBeInstanceOf(PoisonError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an error in a reply', () => {
  const travel = (error: unknown) =>
    fromReplyError(JSON.parse(JSON.stringify(toReplyError(error))) as unknown);

  it('arrives as the refusal it was', () => {
    const arrived = travel(new DomainError('revision_mismatch', 'Read it again.'));
    expect(arrived).toBeInstanceOf(DomainError);
    expect(arrived).toMatchObject({ code: 'revision_mismatch', message: 'Read it again.' });
  });

  it('arrives with the faults of single fields', () => {
    const faults = [{ pointer: '/rules/0', detail: 'is wrong' }];
    expect(travel(new DomainError('invalid_policy', 'No.', faults))).toMatchObject({ faults });
    const reply = { code: 'invalid_policy', detail: 'No.', faults: [7, null, {}, ...faults] };
    expect(fromReplyError(reply)).toMatchObject({ faults });
  });

  it('arrives as unavailable when the database was away', () => {
    expect(travel(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toMatchObject({
      code: 'unavailable',
    });
  });

  it.each([new Error('secret'), 'secret', { code: 'secret', detail: 'secret' }, null, undefined])(
    'arrives without its inside when it was none of these: %p',
    (error) => {
      const arrived = travel(error);
      expect(arrived).toMatchObject({ code: 'internal_error' });
      expect(String(arrived)).not.toContain('secret');
    },
  );

  it.each([
    null,
    'text',
    {},
    { code: 'toString', detail: 'x' },
    { code: 'unavailable' },
    { code: 1, detail: 'x' },
  ])('that cannot be read is an Error all the same: %p', (reply) => {
    const error = fromReplyError(reply);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(DomainError);
  });

  it('stays what it is when it did not come from a reply', () => {
    const error = new Error('timeout');
    expect(fromReplyError(error)).toBe(error);
  });
});
