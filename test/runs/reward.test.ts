import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { judge } from '../../src/evaluation/judge.ts'
import { exportClassifier } from '../../src/exports/export_classifier.ts'
import { findModel } from '../../src/models/find_model.ts'
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

      // Nothing to go on from: it is an adapter alone.
      await rm(join(run, 'checkpoints'), { recursive: true })
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

describe("a run's reward model", () => {
  const pairs = ['dog', 'cat', 'tree'].map((word) => ({
    prompt: `Word: ${word} ;`,
    chosen: ' a thing',
    rejected: ' no idea',
  }))

  async function makeScored(
    folder: string,
    at: (model: string) => string,
  ): Promise<{ run: string; model: string }> {
    const options = { threads: 1, max_steps: 1, learning_rate: 1e-3 }
    const { run: model } = await createTinyRun(join(folder, 'reward'), pairs, { ...options, task: 'reward' })
    await continueRun(model)
    await exportClassifier(await findModel(model), join(model, '..', 'merged'))
    const ppo = { reward: { model: at(model) }, batch_size: 2, mini_batch_size: 2, max_new_tokens: 3 }
    const { run } = await createTinyRun(folder, rows, { ...options, task: 'ppo', ppo })
    return { run, model }
  }

  const changes: Readonly<
    Record<
      string,
      readonly [at: (model: string) => string, change: (model: string) => Promise<unknown>, says: RegExp]
    >
  > = {
    'trained further': [
      (model) => model,
      async (model) => {
        await continueRun(model, undefined, { changes: { max_steps: 3, learning_rate: 0.1 } })
        await rm(join(model, 'checkpoints', 'best'), { recursive: true })
      },
      /reward\/run has changed: its checkpoints\/best\/adapter_config\.json is not used any more/,
    ],
    'of a checkpoint, its configuration edited': [
      (model) => join(model, 'checkpoints', 'last'),
      (model) => appendFile(join(model, 'checkpoints', 'last', 'adapter_config.json'), ' '),
      /last has changed: its adapter_config\.json is another file than it was \(SHA-256 \w{12}… in place of \w{12}…\)/,
    ],
    'an exported one, with another tokenizer': [
      (model) => join(model, '..', 'merged'),
      (model) => appendFile(join(model, '..', 'merged', 'tokenizer.json'), '\n'),
      /merged has changed: its tokenizer\.json is another file/,
    ],
  }
  for (const [what, [at, change, says]] of Object.entries(changes))
    it(`that has changed since is named and not learned from, unless that is accepted: ${what}`, () =>
      withFolder(async (folder) => {
        const { run, model } = await makeScored(folder, at)
        await continueRun(run)
        await change(model)
        const further = { changes: { max_steps: 2 } }
        const said = await userError(() => continueRun(run, undefined, further))
        expect(said).to.match(says)
        expect(said).to.match(
          /put the old file back, or accept this one by "ortune resume .* --trust-reward"/,
        )
        const judged = await runHere(folder, 'judge', 'run', '--prompts', '1')
        expect(judged.stderr).to.match(says)
        const { global_step } = await continueRun(run, undefined, { ...further, trustReward: true })
        expect(global_step).to.equal(2)
        await continueRun(run, undefined, { changes: { max_steps: 3 } })
      }))
})
