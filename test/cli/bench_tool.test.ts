import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { expect } from 'chai'

const tool = join(import.meta.dirname, '../../tools/bench/main.ts')

describe('npm run bench', () => {
  it('says in a sentence that there is no browser', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', tool, '--only', 'web'],
      { env: { ...process.env, CHROMIUM: '/nowhere/chromium' } },
    )
    expect(stderr.toString()).to.equal(
      'bench: there is no Chromium at /nowhere/chromium; install it, or name one in the variable CHROMIUM\n',
    )
    expect(stdout.toString()).to.equal('')
    expect(status).to.equal(2)
  }).timeout(60_000)
})
