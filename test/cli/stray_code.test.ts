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

  const harmless: Readonly<Record<string, string>> = {
    'keeps a timer': '(s) => { setInterval(() => {}, 1000); return s.map(() => 1) }',
    'keeps a socket': '(s) => { createServer().listen(0); return s.map(() => 1) }',
    'sets an exit code': '(s) => { process.exitCode = 7; return s.map(() => 1) }',
    'leaves the folder': '(s) => { process.chdir("/"); return s.map(() => 1) }',
    'prints in every way':
      '(s) => { console.log(1); console.dir(2); console.table([3]); process.stdout.write("4\\n"); return s.map(() => 1) }',
    'prints later':
      '(s) => { setTimeout(() => { process.stdout.write("5\\n"); console.dir(6) }); return s.map(() => 1) }',
  }
  for (const [does, source] of Object.entries(harmless))
    it(`ends with its result alone where a reward ${does}`, () =>
      withFolder(async (folder) => {
        const { code, stdout, stderr } = await trainBy(folder, source)
        expect(code, stderr).to.equal(0)
        expect(JSON.parse(stdout)).to.include({ run: 'run', global_step: 1 })
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
