import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { openRewardFunction } from '../src/models/open_reward.ts'

const root = join(import.meta.dirname, '..')
const examplesOf = (page: string) =>
  Array.from(readFileSync(join(root, page), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code!)

/** Runs something on an example as a file inside the package, so that its own name resolves. */
async function withExample(page: string, contains: string, use: (path: string) => unknown): Promise<void> {
  const folder = mkdtempSync(join(root, 'test', '.readme-'))
  try {
    const path = join(folder, 'example.ts')
    writeFileSync(
      path,
      examplesOf(page).find((code) => code.includes(contains))!,
    )
    await use(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the README and the pages of docs', () => {
  for (const page of ['README.md', 'docs/graphs.md'])
    it(`show a TypeScript example that runs and prints what it says: ${page}`, () =>
      withExample(page, 'console.log', (path) => {
        const said = /console\.log\(.*\) \/\/ (.*)/.exec(readFileSync(path, 'utf8'))![1]
        const printed = execFileSync(process.execPath, ['--import', 'tsx', path], {
          encoding: 'utf8',
          cwd: root,
        })
        expect(printed.trim()).to.equal(said)
      }))

  it("show a user's reward, which scores the length it names highest", () =>
    withExample('docs/ppo.md', 'export default', async (path) => {
      const reward = await openRewardFunction({ function: path })
      const samples = [10, 40, 90].map((length) => ({
        prompt: '',
        response: 'x'.repeat(length),
        references: [],
      }))
      expect(await reward.score(samples)).to.deep.equal([-0.75, -0, -1.25])
      await reward.release()
    }))
})
