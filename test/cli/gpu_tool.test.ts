import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { expect } from 'chai'

const tool = join(import.meta.dirname, '../../tools/gpu/main.ts')

const run = (...given: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', tool, ...given])
  return { status, stdout: stdout.toString(), stderr: stderr.toString() }
}

describe('npm run gpu', () => {
  it('says in a sentence what it does not know, and helps with an example', () => {
    const mistakes: readonly [string[], RegExp][] = [
      [['--foo'], /^gpu: Unknown option '--foo'; --help lists the options\n$/],
      [['--provider', 'foo'], /^gpu: --provider is one of cpu, webgpu, cuda, auto, and not "foo"\n$/],
      [['--part', 'foo'], /^gpu: --part is one of all, correctness, speed, and not "foo"\n$/],
      [['--only', 'foo'], /^gpu: no case begins with "foo"; they are .*sft.*\n$/],
    ]
    for (const [given, says] of mistakes) {
      const { status, stderr } = run(...given)
      expect(stderr).to.match(says)
      expect(status).to.equal(2)
    }
    const { status, stdout } = run('--help')
    expect(stdout).to.match(/Example:\n {2}npm run gpu -- .*--only sft/)
    expect(status).to.equal(0)
  }).timeout(60_000)
})
