import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

const root = join(import.meta.dirname, '..')

describe('README', () => {
  it('shows a TypeScript example that runs and prints what it says', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const [, example] = /```ts\n([\s\S]*?)```/.exec(readme)!
    const said = /console\.log\(.*\) \/\/ (.*)/.exec(example!)![1]
    // Inside the package, so that its own name resolves.
    const folder = mkdtempSync(join(root, 'test', '.readme-'))
    try {
      writeFileSync(join(folder, 'example.ts'), example!)
      const printed = execFileSync(process.execPath, ['--import', 'tsx', join(folder, 'example.ts')], {
        encoding: 'utf8',
        cwd: root,
      })
      expect(printed.trim()).to.equal(said)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
