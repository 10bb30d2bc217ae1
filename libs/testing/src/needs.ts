/** A test cannot run, because this run goes without a program that it needs. test/environment.mjs counts it apart. */
class Unavailable extends Error {
  override name = 'Unavailable';
  constructor(readonly program: string) {
    super(`this run goes without a ${program}`);
  }
}

/**
 * For the first line of what starts a program that the machine may lack.
 * @throws Unavailable where `npm test` has said that the run goes without it (TEST_WITHOUT)
 */
export function needs(program: 'broker' | 'browser' | 'pooler'): void {
  if (process.env.TEST_WITHOUT?.split(',').includes(program)) throw new Unavailable(program);
}
