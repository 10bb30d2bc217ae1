/** One project for each family of tests; scripts/test.mjs is the way to run them. */
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'mjs', 'js', 'json'],
  moduleNameMapper: { '^@hitl/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts' },
  // Not in the temporary folder, which is the run's own.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          target: 'es2022',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

/** What crosses services, on real ones. @param {string} family */
const onServices = (family) => ({
  ...shared,
  displayName: family,
  testMatch: [`<rootDir>/test/${family}/**/*.spec.ts`],
  testEnvironment: '<rootDir>/test/environment.mjs',
  globalSetup: '<rootDir>/test/global-setup.mjs',
  globalTeardown: '<rootDir>/test/global-teardown.mjs',
});

export default {
  testTimeout: 120_000,
  // More only where each worker can have services of its own (scripts/test.mjs): those of one file would take the messages of another's.
  maxWorkers: 1,
  // Each file leaves its modules on its worker's heap: a large one makes garbage collection slow, and the worker's exit too slow for jest.
  workerIdleMemoryLimit: '640MB',
  projects: [
    // Next to the code.
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs,scripts}/**/*.spec.ts'] },
    { ...shared, displayName: 'k8s', testMatch: ['<rootDir>/test/k8s/**/*.spec.ts'] },
    ...['contract', 'e2e', 'faults', 'console'].map(onServices),
  ],
};
