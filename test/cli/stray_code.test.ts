import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join, relative } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { runAlone } from './run_cli.ts'

const command = join(import.meta.dirname, '../../src/cli/ortune.mjs')

describe('a command beside code and streams that are not its own', function () {
  this.timeout(60_000)

  const rewards: Readonly<Record<string, readonly [string, RegExp]>> = {
    'ends the process': ['() => process.exit(0)', /called process\.exit/],
    'promises an answer that never comes': ['() => new Promise(() => {})', /answer that never comes/],
    'fails where nobody waits': [
      '(s) => { Promise.reject(new Error("stray")); return s.map(() => 1) }',
      /stray \(.*reward\.mjs:1\), where nobody waited for it/,
    ],
  }
  for (const [does, [source, says]] of Object.entries(rewards))
    it(`says so where a reward ${does}`, () =>
      withFolder(async (folder) => {
        const { code, stdout, stderr } = await trainBy(folder, source)
        expect(stderr.trimEnd().split('\n').at(-1)).to.match(says)
        expect(stdout).to.equal('')
        expect(code).to.equal(2)
        expect(readdirSync(folder).filter((name) => name.startsWith('.run'))).to.deep.equal([])
      }))

  it('ends with its result alone, whatever a reward keeps, sets, leaves and prints', () =>
    withFolder(async (folder) => {
      const deeds = [
        'setInterval(() => {}, 1000)',
        'createServer().listen(0)',
        'process.exitCode = 7',
        'process.chdir("/")',
        'console.log(1); console.dir(2); console.table([3]); process.stdout.write("4\\n")',
        'setTimeout(() => { process.stdout.write("5\\n"); console.dir(6) })',
      ]
      const source = `(s) => { ${deeds.join('; ')}; return s.map(() => 1) }`
      const { code, stdout, stderr } = await trainBy(folder, source)
      expect(code, stderr).to.equal(0)
      expect(JSON.parse(stdout)).to.include({ run: 'run', global_step: 1 })
      // All of it was done, and is told beside the result.
      for (const printed of [/^1$/m, /^2$/m, /│ 3 /, /^4$/m, /^5$/m, /^6$/m]) expect(stderr).to.match(printed)
      expect(existsSync(join(folder, 'run', 'checkpoints', 'best'))).to.equal(true)
    }))

  it('trains on where nobody reads what it tells', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, [{ text: 'a fox' }, { text: 'a hen' }], {
        max_steps: 3,
        eval_steps: 1,
      })
      const child = spawn(process.execPath, [command, 'resume', 'run'], {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      child.stderr.destroy()
      expect((await once(child, 'exit'))[0]).to.equal(0)
      expect(readFileSync(join(run, 'log.jsonl'), 'utf8')).to.include('"step":3')
      if (!existsSync('/dev/full')) return
      const full = openSync('/dev/full', 'w')
      const { status } = spawnSync(process.execPath, [command, 'resume', 'run', 'max_steps=4'], {
        cwd: folder,
        stdio: ['ignore', 'ignore', full],
      })
      closeSync(full)
      expect(status).to.equal(0)
    }))
})

/** A step of PPO with a reward of this text, in a process of its own. */
async function trainBy(folder: string, reward: string) {
  const { model } = await createTinyRun(join(folder, 'other'), [{ text: 'a fox' }])
  writeFileSync(
    join(folder, 'reward.mjs'),
    `import { createServer } from 'node:net'; export default ${reward}\n`,
  )
  writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a"}\n{"prompt":"b"}\n')
  const config = {
    task: 'ppo',
    model: relative(folder, model),
    data: ['train', 'validation'].map((all) => ({ path: 'rows.jsonl', split: { all } })),
    output_dir: 'run',
    max_steps: 1,
    ppo: { reward: { function: 'reward.mjs' }, max_new_tokens: 2, batch_size: 2, mini_batch_size: 2 },
    template: { prompt: '{{ prompt }}' },
  }
  writeFileSync(join(folder, 'run.yaml'), JSON.stringify(config))
  return runAlone(folder, 'train', 'run.yaml', '--json')
}
