/** The directions in docs/architecture.md, checked. */
const lib = (name) => `^libs/${name}/`;

/** A lib may use only the libs below it. */
const LAYERS = [
  'shapes',
  'config',
  'observability',
  'background',
  'sandbox',
  'domain',
  'database',
  'messaging',
  'service',
];
const layers = LAYERS.slice(0, -1).map((name, index) => ({
  name: `${name}-uses-only-what-is-below`,
  severity: 'error',
  from: { path: lib(name) },
  to: { path: LAYERS.slice(index + 1).map(lib) },
}));

/** Rooms of the console that its pages share. */
const CONSOLE_GROUND = '^apps/console/src/(json|text|store|keys|api|ui|editor|content|verdicts)/';

module.exports = {
  forbidden: [
    ...layers,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-cycles-of-rooms',
      comment: 'A room of an app is used by the rooms above it, never by those below.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^apps/(console|gateway|inference-worker|review-service)/' },
      to: { circular: true },
    },
    {
      name: 'http-is-the-ground',
      severity: 'error',
      from: { path: '^apps/gateway/src/http/' },
      to: { path: '^apps/gateway/src/', pathNot: '^apps/gateway/src/http/' },
    },
    {
      name: 'console-ground-uses-no-page',
      severity: 'error',
      from: { path: CONSOLE_GROUND },
      to: { path: '^apps/console/src/', pathNot: CONSOLE_GROUND },
    },
    {
      name: 'console-shell-is-on-top',
      comment: 'The shell, the routes and the start use the pages, never the other way round.',
      severity: 'error',
      from: { path: '^apps/console/src/[^/]+/', pathNot: '^apps/console/src/shell/' },
      to: { path: '^apps/console/src/(shell/|[^/]+\\.tsx?$)' },
    },
    {
      name: 'libs-never-use-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|test)/' },
    },
    {
      name: 'apps-never-use-each-other',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/(standalone|sandbox|cli)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'console-speaks-http-only',
      severity: 'error',
      from: { path: '^apps/console/' },
      to: { path: '^libs/' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { pathNot: ['^test/', '\\.spec\\.ts$', lib('testing')] },
      to: { path: lib('testing') },
    },
    {
      name: 'amqp-only-in-messaging',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: lib('messaging') },
      to: { path: 'node_modules/amqp' },
    },
    {
      name: 'pglite-only-in-database',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: lib('database') },
      to: { path: 'node_modules/@electric-sql' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
