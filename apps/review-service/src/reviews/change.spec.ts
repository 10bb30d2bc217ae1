import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { JsonText } from '@hitl/domain';
import { SANDBOXES } from '@hitl/sandbox';
import { changeBetween } from './change';

describe('what a human made of an answer', () => {
  const known = { patch: '[]', textDiff: '', editDistance: 0 };
  const describeChange = jest.spyOn(SANDBOXES.checks, 'run').mockResolvedValue(known);
  afterEach(() => {
    describeChange.mockClear();
  });
  const ofLength = (length: number) => new JsonText(`"${'x'.repeat(length - 2)}"`);

  it('is described up to a length of both together, and stays unknown beyond, at no cost', async () => {
    const half = 524_288;
    expect(await changeBetween(ofLength(half), ofLength(half), 'ana')).toBe(known);
    expect(describeChange).toHaveBeenCalledTimes(1);
    expect(await changeBetween(ofLength(half), ofLength(half + 1), 'ana')).toEqual({
      ...{ patch: null, textDiff: null, editDistance: null },
    });
    expect(describeChange).toHaveBeenCalledTimes(1);
  });
});
