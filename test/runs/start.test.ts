import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { readTensors } from '../../src/formats/safetensors.ts'
import { INITIAL_FILE } from '../../src/formats/manifest.ts'
import { continueRun } from '../../src/runs/continue.ts'
import type { EvaluationRecord } from '../../src/learning/listeners.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { rejection } from '../rejection.ts'
import { writeTinyModel } from '../tiny_model.ts'

const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird', 'house', 'car', 'pen', 'lamp']
const rows = words.map((word) => ({
  prompt: `Word: ${word} ;`,
  completion: ` ${word}s are things`,
  label: word,
}))
const steps = { max_steps: 4, eval_steps: 2, learning_rate: 1e-2 }

const plain = (tensors: Awaited<ReturnType<typeof readTensors>>) =>
  Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]))

/** The evaluations of a run, by step. */
async function train(run: string): Promise<Map<number, EvaluationRecord>> {
  const evaluations = new Map<number, EvaluationRecord>()
  await continueRun(run, { evaluation: (record) => void evaluations.set(record.step, record) })
  return evaluations
}

describe('a run that starts from another', () => {
  let folder: string
  const at = (name: string) => join(folder, name)
  const create = (name: string, config: object) => createTinyRun(at(name), rows, { ...steps, ...config })
  const start = (name: string, config: object) => create(name, { from: join(at('first'), 'run'), ...config })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-start-'))
    await create('first', {})
    await train(join(at('first'), 'run'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('begins with the best checkpoint, and with a fresh optimizer', async () => {
    const first = join(at('first'), 'run')
    const { run } = await start('second', {})
    const best = plain(await readTensors(join(first, 'checkpoints/best/adapter_model.safetensors')))
    const initial = plain(await readTensors(join(run, INITIAL_FILE)))
    const values = (tensors: Record<string, number[]>) => Object.values(tensors).map((data) => data.join())
    expect(values(initial).sort()).to.deep.equal(values(best).sort())
    const { best_metric } = JSON.parse(
      await readFile(join(first, 'checkpoints/best/trainer_state.json'), 'utf8'),
    ) as { best_metric: number }
    const evaluations = await train(run)
    expect(evaluations.get(0)!.eval_loss).to.equal(best_metric)
    expect([...evaluations.keys()]).to.deep.equal([0, 2, 4])
  })

  it('takes the checkpoint that is named', async () => {
    const last = join(at('first'), 'run', 'checkpoints', 'last')
    const { run } = await create('from-last', { from: last })
    const stored = plain(await readTensors(join(last, 'adapter_model.safetensors')))
    expect(Object.values(plain(await readTensors(join(run, INITIAL_FILE)))).flat()).to.have.members(
      Object.values(stored).flat(),
    )
  })

  it('all parameters, and a run of another task', async () => {
    await create('full', { lora: 'full' })
    const full = join(at('full'), 'run')
    const { eval_loss } = (await train(full)).get(4)!
    const { run } = await create('full-2', { lora: 'full', from: full })
    expect((await train(run)).get(0)!.eval_loss).to.be.closeTo(eval_loss, 1e-6)
  })

  it("PPO goes on from PPO's value head, and from a model without one with a fresh one", async () => {
    const ppo = {
      ...{ task: 'ppo', max_steps: 2, eval_steps: 2 },
      ppo: { reward: { function: at('reward.mjs') }, batch_size: 4, mini_batch_size: 2, max_new_tokens: 3 },
    }
    await writeFile(
      at('reward.mjs'),
      'export default (samples) => samples.map(({ response }) => response.length / 10)',
    )
    const { run } = await start('ppo', ppo)
    const head = (name: string) => /v_head|value/.test(name)
    const fresh = [...(await readTensors(join(run, INITIAL_FILE)))].filter(([name]) => head(name))
    expect(fresh).to.have.length(2)
    for (const [, { data }] of fresh) expect(data.every((x) => x === 0)).to.equal(true)
    await train(run)
    const kept = plain(await readTensors(join(run, 'checkpoints/best/value_head.safetensors')))
    const second = await create('ppo-2', { ...ppo, from: run })
    const begun = plain(await readTensors(join(second.run, INITIAL_FILE)))
    for (const [name, data] of Object.entries(kept)) expect(begun[name]).to.deep.equal(data)
    expect(
      Object.values(kept)
        .flat()
        .some((x) => x !== 0),
    ).to.equal(true)
  })

  const refused: Readonly<Record<string, [config: object, says: RegExp]>> = {
    'another rank': [
      { lora: { r: 2 } },
      /^from: \S+ trained adapters of r 4, .* r 2, .*; give the same lora, or/,
    ],
    'all parameters': [{ lora: 'full' }, /trained adapters of r 4.* trains lora full; give the same lora/],
    'another head': [
      { task: 'classification', template: { text: '{{ prompt }}', label: '{{ label }}' } },
      /has another head than this run; write its model with "ortune merge/,
    ],
    'no run': [{ from: tmpdir() }, /^from: \S+ is neither a run nor one of its checkpoints; name one/],
  }
  for (const [name, [config, says]] of Object.entries(refused))
    it(`is refused with ${name}`, async () => {
      const { message } = await rejection(start(`refused ${name}`, config))
      expect(message).to.match(says)
    })

  it('is refused on other weights, and before there is a checkpoint', async () => {
    await create('untrained', {})
    const { message } = await rejection(create('none', { from: join(at('untrained'), 'run') }))
    expect(message).to.match(/has no checkpoint yet; train it first with "ortune resume/)
    await writeTinyModel(at('other'), 2)
    const other = await rejection(start('seed', { model: at('other') }))
    expect(other.message).to.match(/was trained on other weights of a model of this shape; name the model/)
  })
})
