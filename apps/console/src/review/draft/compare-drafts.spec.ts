import { describe, expect, it } from '@jest/globals';
import { compareDrafts, isNewer } from './compare-drafts';

const [EARLY, LATE] = ['2026-01-01T10:00:00.000Z', '2026-01-01T10:00:01.000Z'];
const saved = { text: 'from elsewhere', revision: 1, savedAt: LATE };
/** A browser whose clock is far ahead. */
const here = { text: 'from here', revision: 1, at: Date.parse('2030-01-01'), savedAt: EARLY, isSaved: true };

describe('the draft on the server', () => {
  it('is newer when it was saved after what is here was, whatever this browser’s clock says', () => {
    expect(compareDrafts(saved, here)).toBe('newer');
    expect(compareDrafts(saved, null)).toBe('newer');
    expect(isNewer(LATE, { ...here, savedAt: LATE })).toBe(false);
    expect(compareDrafts(saved, { ...here, savedAt: LATE, isSaved: false })).toBe('older');
  });

  it('conflicts with what is here and was never saved', () => {
    expect(compareDrafts(saved, { ...here, isSaved: false })).toBe('conflict');
    expect(compareDrafts(saved, { ...here, savedAt: null, isSaved: false })).toBe('conflict');
  });

  it('is the same when it says the same of the same answer', () => {
    const same = { ...here, text: saved.text, isSaved: false };
    expect(compareDrafts(saved, same)).toBe('same');
    expect(compareDrafts(saved, { ...same, revision: 2 })).toBe('conflict');
  });
});
