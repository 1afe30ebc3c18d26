import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { judge } from '../../src/evaluation/judge.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'

const rows = ['dog', 'cat', 'tree'].map((word) => ({ prompt: `Word: ${word} ;` }))

/** A reward that writes a line into a file whenever it is loaded. */
const code = (witness: string) =>
  `import { appendFileSync } from 'node:fs'\nappendFileSync(${JSON.stringify(witness)}, 'ran\\n')\n` +
  'export default (samples) => samples.map(({ response }) => response.length / 10)\n'

/** A run whose reward is a function. */
async function make(folder: string): Promise<{ run: string; path: string; witness: string }> {
  const [path, witness] = [join(folder, 'reward.mjs'), join(folder, 'witness')]
  await writeFile(path, code(witness))
  const { run } = await createTinyRun(folder, rows, {
    ...{ task: 'ppo', threads: 1, max_steps: 2, learning_rate: 1e-3 },
    ppo: { reward: { function: path }, batch_size: 2, mini_batch_size: 2, max_new_tokens: 3 },
  })
  return { run, path, witness }
}

const digestOf = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

const keptDigest = async (run: string) => {
  const { ppo } = await readRunConfig(run)
  return 'function' in ppo!.reward ? ppo!.reward.sha256 : undefined
}

describe("a run's own reward function", () => {
  it('is run after saying so, once', () =>
    withFolder(async (folder) => {
      const { run, path } = await make(folder)
      const says = `runs the reward function ${path} of this run (SHA-256 ${await digestOf(path)})`
      expect(await keptDigest(run)).to.equal(await digestOf(path))
      const notes: string[] = []
      await continueRun(run, { note: (sentence) => void notes.push(sentence) })
      expect(notes).to.deep.equal([says])
      const { code, stderr } = await runHere(folder, 'resume', 'run', 'max_steps=3', '--json')
      expect(code, stderr).to.equal(0)
      expect(stderr.split('\n').filter((line) => line === says)).to.have.length(1)
      const judged = await runHere(folder, 'judge', 'run', '--prompts', '1')
      expect(judged.code, judged.stderr).to.equal(0)
      expect(judged.stderr).to.equal(`${says}\n`)
      const named = await runHere(folder, 'judge', 'run', '--prompts', '1', '--reward', path)
      expect(named.stderr).to.equal('')
    }))

  it('is said where a run is made and trained', () =>
    withFolder(async (folder) => {
      const { path } = await make(folder)
      const config = { ...(await readRunConfig(join(folder, 'run'))), output_dir: 'trained' }
      await writeFile(join(folder, 'config.yaml'), JSON.stringify(config))
      const { code, stderr } = await runHere(folder, 'train', 'config.yaml')
      expect(code, stderr).to.equal(0)
      expect(stderr.match(/^runs the reward function/gm)).to.have.length(1)
      expect(stderr).to.match(/^runs the reward function/)
      await appendFile(path, '// another\n')
      const other = await runHere(folder, 'train', 'config.yaml', 'output_dir=other')
      expect(other.code).to.equal(2)
      expect(other.stderr).to.match(
        /^ortune: the reward function .*reward\.mjs is another file.*its sha256\n$/,
      )
    }))

  it('is not run where its file is another by now, unless that is accepted', () =>
    withFolder(async (folder) => {
      const { run, path, witness } = await make(folder)
      const before = await readFile(join(run, 'training.json'), 'utf8')
      // A new path, so that it is loaded anew.
      const moved = join(folder, 'moved.mjs')
      await rename(path, moved)
      await rm(witness)
      await writeFile(join(run, 'training.json'), before.replace('reward.mjs', 'moved.mjs'))
      await appendFile(moved, '// another\n')
      const changes = { max_steps: 1 }
      const says = await userError(() => continueRun(run, undefined, { changes }))
      expect(says)
        .to.match(/^the reward function .*moved\.mjs is another file than it was \(SHA-256 /)
        .and.include(`"ortune resume ${run} --trust-reward"`)
        .and.not.include('\n')
      await writeBestCheckpoint(run)
      expect(await userError(() => judge({ run, split: 'validation' }))).to.match(/another file.*--reward$/)
      const refused = await runHere(folder, 'resume', 'run')
      expect([refused.code, refused.stderr]).to.deep.equal([
        2,
        `ortune: ${says.replace(`resume ${run}`, 'resume run')}\n`,
      ])
      expect(existsSync(witness)).to.equal(false)
      expect(await readFile(join(run, 'training.json'), 'utf8')).to.equal(
        before.replace('reward.mjs', 'moved.mjs'),
      )

      const accepted = await runHere(folder, 'resume', 'run', '--trust-reward')
      expect(accepted.code, accepted.stderr).to.equal(0)
      expect(await readFile(witness, 'utf8')).to.equal('ran\n')
      expect(await keptDigest(run)).to.equal(await digestOf(moved))
      await continueRun(run, undefined, { changes: { max_steps: 3 } })
      await appendFile(moved, '// a third\n')
      await continueRun(run, undefined, { changes: { max_steps: 4 }, trustReward: true })
    }))

  it('is said and run without comparison in a run that has no digest of it, as old ones', () =>
    withFolder(async (folder) => {
      const { run, path } = await make(folder)
      const config = JSON.parse(await readFile(join(run, 'training.json'), 'utf8')) as {
        ppo: { reward: object }
      }
      config.ppo.reward = { function: path }
      await writeFile(join(run, 'training.json'), JSON.stringify(config))
      await appendFile(path, '// another\n')
      const notes: string[] = []
      await continueRun(run, { note: (sentence) => void notes.push(sentence) })
      expect(notes[0]).to.include(await digestOf(path))
      await rm(path)
      expect(await userError(() => continueRun(run))).to.match(/reward\.mjs is missing/)
    }))
})
