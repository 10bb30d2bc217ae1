import { describe, expect, it } from '@jest/globals';
import { FAMILIES, readArguments, requireTests } from './arguments.mjs';

const ALL = Object.keys(FAMILIES);

describe('the arguments of npm test', () => {
  it('run all families where none is named', () => {
    expect(readArguments([])).toEqual({ families: ALL, files: [], options: [], without: [] });
  });

  it('run the families that are named', () => {
    expect(readArguments(['e2e', 'unit']).families).toEqual(['e2e', 'unit']);
    expect(readArguments(['--selectProjects', 'unit', 'k8s', '-t', 'x'])).toEqual({
      families: ['unit', 'k8s'],
      files: [],
      options: ['-t', 'x'],
      without: [],
    });
  });

  it('run what belongs to a family or fits a path, where both are named', () => {
    expect(readArguments(['k8s', 'test/e2e/jobs'])).toMatchObject({
      families: ['k8s', 'e2e'],
      files: ['test/e2e/jobs', './test/k8s/'],
    });
  });

  it.each([
    ['apps/gateway', ['unit']],
    ['./libs/config/src/x.spec.ts', ['unit']],
    ['scripts', ['unit']],
    ['test/e2e/jobs', ['e2e']],
    ['test/console', ['console']],
    ['test', ALL],
    ['jobs', ALL],
  ])('tell by the path %s which families it can belong to', (path, families) => {
    expect(readArguments([path])).toMatchObject({ families, files: [path] });
  });

  it('do not take the value of an option for a family', () => {
    expect(readArguments(['-t', 'unit'])).toMatchObject({ families: ALL, options: ['-t', 'unit'] });
    expect(readArguments(['e2e', '--testNamePattern', 'console'])).toMatchObject({ families: ['e2e'] });
  });

  it('need a broker for the families on services, and none for the console', () => {
    const onBroker = ALL.filter((family) => FAMILIES[family]?.includes('broker'));
    expect(onBroker).toEqual(['contract', 'e2e', 'faults']);
  });

  it('leave out programs, wherever that is said', () => {
    expect(readArguments(['--without=broker,browser', 'e2e', '-t', 'x'])).toEqual({
      families: ['e2e'],
      files: [],
      options: ['-t', 'x'],
      without: ['broker', 'browser'],
    });
  });

  it.each([['--without'], ['--without='], ['--without=database'], ['--without=toString']])(
    'refuse %s and say what may be left out',
    (argument) => {
      expect(() => readArguments([argument])).toThrow('write --without=broker, --without=browser');
    },
  );

  it.each([
    ['contrct', 'Did you mean contract?'],
    ['test/e2e/job.spec.ts', 'Did you mean jobs?'],
    ['frobnicate', 'Families are: unit, k8s, contract, e2e, faults, console.'],
    ['/work/elsewhere/jobs', 'fits no test'],
  ])('refuse %s, which fits no test, and say what there is', (path, told) => {
    expect(() => {
      requireTests(['test/e2e', path], process.cwd());
    }).toThrow(told);
  });

  it.each([
    [],
    ['jobs'],
    ['./test/e2e/jobs.spec.ts'],
    ['test/(e2e|faults)/'],
    ['E2E'],
    [`${process.cwd()}/apps`],
  ])('take %s, which fits some', (...paths: string[]) => {
    expect(() => {
      requireTests(paths, process.cwd());
    }).not.toThrow();
  });
});
