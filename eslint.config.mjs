import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/** The outer ones of the arrows in CONTRIBUTING.md, as lint rules. */
const forbid = (patterns, message) => ({
  'no-restricted-imports': ['error', { patterns: [{ group: patterns, message }] }],
})

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'artifacts',
      'dist',
      'site',
      'coverage',
      '**/*_pb.ts',
      '**/*.as.ts',
      'test/fixtures',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.mjs', 'src/cli/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    files: ['graphs/**'],
    rules: forbid(
      ['node:*', '**/src/**', 'onnxruntime-*'],
      'graphs/ is pure TypeScript: no file, no runtime',
    ),
  },
  {
    files: ['src/**'],
    ignores: ['src/runtime/**'],
    rules: forbid(['onnxruntime-*'], 'only src/runtime names an ONNX Runtime package'),
  },
  {
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
)
