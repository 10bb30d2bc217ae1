/**
 * Jest's environment for tests on services. A test that cannot run because the run goes without a program (`needs` of
 * libs/testing) is no failure and no success: it is skipped, and written down for the runner, which reports it.
 */
import { appendFileSync } from 'node:fs';
import { TestEnvironment } from 'jest-environment-node';

export default class ServicesEnvironment extends TestEnvironment {
  /** The blocks whose set-up could not run: their tear-down finds nothing to undo. */
  #blocked = new Set();
  #family;

  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    super(...args);
    this.#family = args[0].projectConfig.displayName?.name;
  }

  /** @param {any} event @param {{ unhandledErrors: unknown[] }} state */
  handleTestEvent(event, state) {
    if (event.name === 'hook_failure' && event.hook.type === 'beforeAll' && missing(event.error)) {
      this.#blocked.add(event.describeBlock);
    }
    if (event.name === 'hook_failure' && event.hook.type === 'afterAll') {
      for (let block = event.describeBlock; block; block = block.parent) {
        if (this.#blocked.has(block)) return void state.unhandledErrors.pop();
      }
    }
    if (event.name === 'test_done') {
      const program = event.test.errors.map(missing).find(Boolean);
      if (!program) return;
      event.test.errors = [];
      event.test.status = 'skip';
      appendFileSync(String(process.env.TEST_NOT_RUN), `${this.#family} ${program}\n`);
    }
  }
}

/**
 * The program that a test lacked, if that is what ended it.
 * @param {any} thrown an error, or an error and where its hook or test was defined
 * @returns {string | undefined}
 */
function missing(thrown) {
  const error = Array.isArray(thrown) ? thrown[0] : thrown;
  return error?.name === 'Unavailable' ? error.program : undefined;
}
