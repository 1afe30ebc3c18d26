import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import type { Random } from '../../src/random.ts'
import { createRandom } from '../../src/random.ts'
import { writeTinyModel } from '../tiny_model.ts'

const command = resolve(import.meta.dirname, '../../src/cli/ortune.mjs')
const KILLS = 10

const definitions = `
template: { prompt: 'Word: {{ word }} ;', completion: ' Definition: {{ definition }}' }`
const shared = `
model: model
data: [{ path: data.jsonl, split: { column: split } }]
max_steps: 48
max_length: 40
threads: 1
`
const configurations = {
  'LoRA, micro-batches, saving more often than evaluating': `${shared}${definitions}
learning_rate: 1e-2
lr_scheduler_type: cosine
warmup_steps: 5
per_device_train_batch_size: 4
gradient_accumulation_steps: 2
eval_steps: 7
save_steps: 3
`,
  'full fine-tuning that stops early': `${shared}${definitions}
lora: full
learning_rate: 2e-2
weight_decay: 0.1
lr_scheduler_type: constant
eval_steps: 2
early_stopping_patience: 6
`,
  'DPO, with a reference that is measured first': `${shared}
task: dpo
template: { prompt: 'Word: {{ word }} ;', chosen: ' {{ definition }}', rejected: ' {{ rejected }}' }
learning_rate: 1e-2
eval_steps: 5
save_steps: 2
`,
}

/** Six words in rows of a few tokens; a sixth of the rows are for validation. */
function rows(): string {
  const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird']
  const row = (i: number) => ({
    word: words[i % 6],
    definition: `kind ${(i * 7) % 13} of ${words[(i * 5 + 1) % 6]}`,
    rejected: `kind of ${words[(i * 5 + 2) % 6]}`,
    split: i % 6 === 5 ? 'validation' : 'train',
  })
  return Array.from({ length: 48 }, (_, i) => `${JSON.stringify(row(i))}\n`).join('')
}

/** The last step that a run's log tells of; 0 where there is none. */
function loggedStep(run: string): number {
  const path = join(run, 'log.jsonl')
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  return lines.length === 0 ? 0 : (JSON.parse(lines.at(-1)!) as { step: number }).step
}

/** Starts or goes on with a run, as its folder asks for. */
function launch(folder: string, name: string) {
  const created = existsSync(join(folder, name, 'training.json'))
  const args = created ? ['resume', name] : ['train', 'config.yaml', `output_dir=${name}`]
  const child = spawn(process.execPath, [command, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, errors }))
  return { child, ended }
}

/** Runs to the end. */
async function finish(folder: string, name: string): Promise<void> {
  const { code, errors } = await launch(folder, name).ended
  expect(code, errors).to.equal(0)
}

/** Kills the run shortly after its log tells of `step`; says whether it still ran then. */
async function killAfter(folder: string, name: string, step: number, random: Random): Promise<boolean> {
  const { child, ended } = launch(folder, name)
  while (child.exitCode === null && loggedStep(join(folder, name)) < step) await wait(5)
  await wait(30 * random.uniform())
  const killed = child.exitCode === null && child.kill('SIGKILL')
  const { code, errors } = await ended
  expect(killed || code === 0, errors).to.equal(true)
  return killed
}

/** Kills the run so long after its start, wherever it may be then. */
async function killAt(folder: string, name: string, milliseconds: number): Promise<boolean> {
  const { child, ended } = launch(folder, name)
  await wait(milliseconds)
  const killed = child.exitCode === null && child.kill('SIGKILL')
  await ended
  return killed
}

/** What must not differ by a byte: both checkpoints, and the log. */
async function result(run: string): Promise<Record<string, Buffer>> {
  const checkpoints = join(run, 'checkpoints')
  const files = (await readdir(checkpoints, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  )
  const paths = [join(run, 'log.jsonl'), ...files.map(({ parentPath, name }) => join(parentPath, name))]
  const contents = paths.map(async (path) => [path.slice(run.length), await readFile(path)] as const)
  return Object.fromEntries(await Promise.all(contents))
}

/** Kills runs until enough have been, and compares each with the one that nobody disturbed. */
async function torment(title: string, config: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-resume-'))
  try {
    await writeTinyModel(join(folder, 'model'))
    await writeFile(join(folder, 'data.jsonl'), rows())
    await writeFile(join(folder, 'config.yaml'), `${config}output_dir: undisturbed\n`)
    const started = performance.now()
    await finish(folder, 'undisturbed')
    const duration = performance.now() - started
    const expected = await result(join(folder, 'undisturbed'))
    const steps = loggedStep(join(folder, 'undisturbed'))

    const random = createRandom('kills', title)
    let kills = 0
    for (let run = 1; kills < KILLS; run++) {
      const name = `run ${run}`
      // Once anywhere, most likely while the run is being created; then at steps further and further on.
      if (await killAt(folder, name, duration * random.uniform())) kills++
      const targets = Array.from({ length: KILLS - kills }, () => 1 + random.integer(steps - 4))
      for (const step of targets.sort((a, b) => a - b))
        if (await killAfter(folder, name, step, random)) kills++
      await finish(folder, name)
      const got = await result(join(folder, name))
      expect(Object.keys(got).sort()).to.deep.equal(Object.keys(expected).sort())
      for (const [path, bytes] of Object.entries(expected))
        expect(bytes.equals(got[path]!), `${name}${path} is that of the undisturbed run`).to.equal(true)
    }
    return kills
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe('a run killed with SIGKILL', function () {
  this.timeout(600_000)

  it('is resumed to the same bytes as an undisturbed one, 30 kills over three kinds of training', async () => {
    const entries = Object.entries(configurations)
    const kills = await Promise.all(entries.map(([title, config]) => torment(title, config)))
    expect(kills.reduce((sum, count) => sum + count)).to.be.at.least(30)
  })
})
