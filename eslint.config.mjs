import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      '.dependency-cruiser.cjs',
      'node_modules/',
      '.stack/',
      '.data/',
      'apps/console/src/api/schema.d.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Nest's modules are classes with nothing in them, and so is a message without fields.
      '@typescript-eslint/no-extraneous-class': [
        'error',
        { allowWithDecorator: true, allowStaticOnly: true },
      ],
      // wink-nlp's and class-validator's ways; object literals stand for DTO classes throughout.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Identifier[name=/^(MOST|LONGEST|LARGEST|USUAL|SHORTEST)(_|$)|PATIENCE/]',
          message: 'Name a constant MAX_…, MIN_…, DEFAULT_…, …_TIMEOUT_MS or …_INTERVAL_MS.',
        },
        {
          selector:
            'MethodDefinition:has(> Decorator[expression.callee.name=/^(Get|Post|Put|Patch|Delete|Head|Options|All|Search|Sse)$/]):not(:has(> Decorator[expression.callee.name="Allow"]))',
          message: 'Say who may call this route: @Allow.',
        },
      ],
    },
  },
  {
    files: ['apps/console/**'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      // The router's redirects are thrown.
      '@typescript-eslint/only-throw-error': 'off',
    },
  },
  {
    // Plain JavaScript, checked by tsc.
    files: ['**/*.{mjs,cjs}'],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    files: ['**/*.spec.ts', 'test/**', 'libs/testing/**'],
    rules: {
      // Tests read whatever came over a wire or out of a table, as its users would.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
