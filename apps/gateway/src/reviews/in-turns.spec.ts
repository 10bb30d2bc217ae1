import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { inTurns } from './in-turns';

it('works on so many at once and no more, and answers in order', async () => {
  let now = 0;
  let most = 0;
  const results = await inTurns([5, 1, 4, 2, 3], 2, async (turns) => {
    most = Math.max(most, (now += 1));
    for (let index = 0; index < turns; index += 1) await turn();
    now -= 1;
    return turns * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});
