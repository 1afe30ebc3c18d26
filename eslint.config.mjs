import { readFileSync } from 'node:fs'

import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const forbid = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] })

const RUNTIMES = { group: ['onnxruntime-*'], message: 'only src/runtime names an ONNX Runtime package' }

/** The rooms of src from below: each may import those before it. `test/architecture.test.ts` walks them. */
const FLOORS = JSON.parse(readFileSync(`${import.meta.dirname}/tools/floors.json`, 'utf8'))

/** What a room may not import: rooms beside it and above. */
const arrows = FLOORS.flatMap((rooms, floor) =>
  rooms.map((room) => {
    const refused = FLOORS.slice(floor)
      .flat()
      .filter((other) => other !== room)
    const above = {
      regex: `^(\\.\\./)+(${refused.join('|')})/`,
      message: `src/${room} knows nothing of src/${refused.join(', src/')}`,
    }
    return {
      files: [`src/${room}/**`],
      rules: forbid(...(refused.length > 0 ? [above] : []), ...(room === 'runtime' ? [] : [RUNTIMES])),
    }
  }),
)

/** What comes in several kinds is asked of its record: `tasks`, `families`, `heads`. */
const asked = (selector, record) => ({
  selector,
  message: `ask the record of ${record} what differs, not which one it is`,
})
const KINDS = {
  'no-restricted-syntax': [
    'error',
    asked(
      'BinaryExpression[operator=/^[!=]==$/][right.type="Literal"]:matches([left.name="task"], [left.property.name="task"])',
      'tasks',
    ),
    asked(
      'SwitchStatement:matches([discriminant.name="task"], [discriminant.property.name="task"])',
      'tasks',
    ),
    asked('CallExpression[callee.name=/^is(Bert|Gpt2|Llama)$/]', 'model families'),
    asked(
      'BinaryExpression[operator=/^[!=]==$/][right.type="Literal"]:matches([left.name="model_type"], [left.property.name="model_type"])',
      'model families',
    ),
    asked(
      'BinaryExpression[right.value=1][left.property.name="length"]:matches([left.object.name="classes"], [left.object.property.name="classes"])',
      'heads',
    ),
  ],
}

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
    rules: forbid({
      group: ['node:*', '**/src/**', 'onnxruntime-*'],
      message: 'graphs/ is pure TypeScript: no file, no runtime',
    }),
  },
  ...arrows,
  { files: ['graphs/**', 'src/**', 'tools/**'], ignores: ['graphs/models/head.ts'], rules: KINDS },
  {
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    files: ['page/**'],
    rules: {
      // Of src a page has what a browser has; types are nothing at run time.
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./)+(src/(?!web\\.ts$)|graphs/)',
              message: 'a page imports from src/web.ts, and types',
              allowTypeImports: true,
            },
            { group: ['node:*', 'onnxruntime-*'], message: 'a page runs in a browser, on src/web.ts' },
          ],
        },
      ],
    },
  },
  {
    files: ['page/vite.config.ts', 'page/reward/inlined.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  { files: ['**/*.mjs', 'page/public/*.js'], ...tseslint.configs.disableTypeChecked },
)
