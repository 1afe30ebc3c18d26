import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'

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
        const { model } = await createTinyRun(join(folder, 'other'), [{ text: 'a fox' }])
        writeFileSync(join(folder, 'reward.mjs'), `export default ${source}\n`)
        writeFileSync(join(folder, 'rows.jsonl'), '{"prompt":"a"}\n{"prompt":"b"}\n')
        const data = ['train', 'validation'].map((all) => ({ path: 'rows.jsonl', split: { all } }))
        const ppo = {
          reward: { function: 'reward.mjs' },
          max_new_tokens: 2,
          batch_size: 2,
          mini_batch_size: 2,
        }
        const config = {
          task: 'ppo',
          model,
          data,
          output_dir: 'run',
          max_steps: 1,
          ppo,
          template: { prompt: '{{ prompt }}' },
        }
        writeFileSync(join(folder, 'run.yaml'), JSON.stringify(config))
        const { code, stdout, stderr } = await runAlone(folder, 'train', 'run.yaml', '--json')
        expect(stderr.trimEnd().split('\n').at(-1)).to.match(says)
        expect(stdout).to.equal('')
        expect(code).to.equal(2)
        expect(existsSync(join(folder, '.run.new'))).to.equal(false)
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
