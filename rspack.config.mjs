/**
 * How Nest's compiler (nest-cli.json) builds each app of dist/: its own code into main.js, and the packages it uses into
 * libraries.js beside it. To load one file instead of 1,900 takes a third of the time at every boot.
 */
import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';

/** Packages that Node loads from node_modules: they read files of their own, or are large and seldom needed. */
const APART = [
  '@electric-sql/pglite',
  'playwright-core',
  'swagger-ui-dist',
  'wink-eng-lite-web-model',
  'wink-nlp',
];

const { resolve } = createRequire(import.meta.url);

/**
 * @param {import('@rspack/core').Configuration & { output: { filename: string } }} options Nest's own
 * @param {typeof import('@rspack/core')} rspack
 * @returns {import('@rspack/core').Configuration}
 */
export default (options, rspack) => ({
  ...options,
  output: {
    ...options.output,
    filename: `${dirname(options.output.filename)}/[name].js`,
    asyncChunks: false,
  },
  // The files that Node itself would take. Beside the JavaScript of some packages lie sources, which do not compile here.
  resolve: {
    ...options.resolve,
    extensions: ['.js', '.json', '.ts'],
    extensionAlias: {},
    // node_modules may be a link to a folder whose name compilers misread (scripts/prepare.mjs).
    symlinks: false,
    mainFields: ['main'],
    byDependency: {
      esm: { conditionNames: ['node', 'import'] },
      commonjs: { conditionNames: ['node', 'require'] },
    },
  },
  module: {
    ...options.module,
    // What packages require this way must be the same as what others import. import.meta is that of dist/, wherever it is moved.
    parser: { javascript: { createRequire: true, importMeta: false } },
  },
  externals: [external],
  optimization: {
    ...options.optimization,
    splitChunks: {
      cacheGroups: {
        libraries: { test: /\/node_modules\//, name: 'libraries', chunks: 'all', enforce: true },
      },
    },
    minimize: true,
    // Without comments, and in one byte a character, it takes 20 MB less memory. Names stay: Nest shows those of classes.
    minimizer: [
      new rspack.SwcJsMinimizerRspackPlugin({
        include: /libraries\.js$/,
        extractComments: false,
        minimizerOptions: {
          module: true,
          compress: false,
          mangle: false,
          format: { comments: false, ascii_only: true, beautify: true },
        },
      }),
    ],
  },
  devtool: false,
  plugins: [
    ...(options.plugins ?? []),
    // For our own code only: Node reads the whole map at the first error.
    new rspack.SourceMapDevToolPlugin({ filename: '[file].map', exclude: /libraries\.js$/ }),
  ],
});

/**
 * Leaves to Node what is its own, what is to stay apart, and what is not installed, which some packages load only where it is.
 * @type {(data: import('@rspack/core').ExternalItemFunctionData, callback: (error?: Error, result?: string) => void) => void}
 */
function external({ request = '', dependencyType }, callback) {
  const own = /^(\.|\/|@hitl\/)/.test(request);
  const leave =
    !own &&
    (request.startsWith('node:') ||
      isBuiltin(request) ||
      APART.some((name) => `${request}/`.startsWith(`${name}/`)) ||
      !isInstalled(request));
  callback(
    undefined,
    leave ? `${dependencyType === 'esm' ? 'module-import' : 'node-commonjs'} ${request}` : undefined,
  );
}

/** @param {string} request */
function isInstalled(request) {
  try {
    resolve(request);
    return true;
  } catch (error) {
    // Others are of packages that cannot be required, but imported.
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'MODULE_NOT_FOUND';
  }
}
