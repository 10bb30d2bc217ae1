import { describe, expect, it } from '@jest/globals';
import { LogWriter, type Descriptor } from './log-writer';

/** A descriptor that answers each write as it is told, and what it has written. */
function place() {
  const asked: { bytes: Buffer; done: Parameters<Descriptor['write']>[1] }[] = [];
  const kept: string[] = [];
  return {
    kept,
    asked,
    descriptor: {
      write: (bytes, done) => asked.push({ bytes, done }),
      writeSync(bytes) {
        kept.push(bytes.toString());
        return bytes.length;
      },
    } satisfies Descriptor,
    /** Takes the write under way, or only some bytes of it. */
    take(most = Infinity) {
      const { bytes, done } = asked.shift()!;
      const taken = bytes.subarray(0, most);
      kept.push(taken.toString());
      done(null, taken.length);
    },
    refuse(code: string) {
      asked.shift()!.done(Object.assign(new Error(code), { code }), 0);
    },
  };
}

const settle = () => new Promise(setImmediate);

describe('writing the log', () => {
  it('writes lines in order, those that come together at once', async () => {
    const { descriptor, take, kept } = place();
    const writer = new LogWriter(() => undefined, descriptor, setImmediate);
    writer.write('a\n');
    writer.write('b\n');
    await settle();
    writer.write('c\n');
    const flushed = writer.flush();
    take(3);
    take();
    take();
    await flushed;
    expect(kept.join('')).toBe('a\nb\nc\n');
    expect(kept).toHaveLength(3);
  });

  it('drops what a full disk does not take, counts it, and goes on once there is room', async () => {
    const { descriptor, take, refuse, kept } = place();
    let dropped = 0;
    const writer = new LogWriter((lines) => (dropped += lines), descriptor, setImmediate);
    writer.write('a\n');
    writer.write('b\n');
    await settle();
    refuse('ENOSPC');
    expect(dropped).toBe(2);
    writer.write('c\n');
    await settle();
    take();
    expect([dropped, kept]).toEqual([2, ['c\n']]);
  });

  it('drops lines rather than keep more and more of them for a reader that does not read', async () => {
    const { descriptor, asked } = place();
    let dropped = 0;
    const writer = new LogWriter((lines) => (dropped += lines), descriptor, setImmediate);
    writer.write('first\n');
    await settle();
    for (let line = 0; line < 10; line += 1) writer.write(`${'x'.repeat(1_048_575)}\n`);
    expect(dropped).toBe(6);
    expect(asked).toHaveLength(1);
  });

  it('writes at its end what waits, such as why it ends', () => {
    const { descriptor, kept } = place();
    const writer = new LogWriter(() => undefined, descriptor, setImmediate);
    writer.write('a bug\n');
    expect(writer.flushAtExit()).toBe(false);
    expect(kept).toEqual(['a bug\n']);
  });

  it('does not wait at its end where the place throws', () => {
    const { descriptor } = place();
    const full: Descriptor = {
      ...descriptor,
      writeSync() {
        throw new Error('ENOSPC');
      },
    };
    const writer = new LogWriter(() => undefined, full, setImmediate);
    writer.write('a\n');
    expect(writer.flushAtExit()).toBe(false);
  });
});
