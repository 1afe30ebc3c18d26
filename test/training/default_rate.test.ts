import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { defaultLearningRate, METHODS, methodOf } from '../../src/learning/default_rate.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = ['a dog', 'the sea', 'a tree', 'it rains'].map((text, i) => ({ text, label: i % 2 ? 'a' : 'b' }))
const quick = { max_steps: 2, threads: 1, lr_scheduler_type: 'constant' }
const classification = { task: 'classification' }
const npt = { rank: 3, modulation_scale: 0.7, init_scale: 0.5, layers: 'all' }

describe('the default learning rate', () => {
  it('falls as the model grows wider, and no further than was measured as it grows narrower', () => {
    const { rate } = METHODS.adapters
    expect(defaultLearningRate('adapters', 768)).to.equal(rate)
    expect(defaultLearningRate('adapters', 1536)).to.equal(rate / 2)
    expect(defaultLearningRate('adapters', 192)).to.equal(4 * rate)
    expect(defaultLearningRate('adapters', 32)).to.equal(4 * rate)
  })

  it('is that of what is trained, times the factor of the task', () => {
    const lora = { r: 8 }
    expect([methodOf(lora, null), methodOf('full', null), methodOf('none', null)]).to.deep.equal([
      'adapters',
      'full',
      'head',
    ])
    expect(methodOf('none', npt)).to.equal('blocks')
    expect(defaultLearningRate('full', 768, 2)).to.equal(2 * METHODS.full.rate)
  })

  for (const [title, config, expected] of [
    ['adapters', {}, 1.6e-3],
    ['all parameters', { lora: 'full' }, 1e-4],
    ['all parameters of a classifier', { ...classification, lora: 'full' }, 2e-4],
    ['a head', { ...classification, lora: 'none' }, 4e-3],
    ['plastic blocks', { lora: undefined, npt }, 1.6e-3],
    ['none, where the configuration has one', { learning_rate: 3e-5 }, 3e-5],
  ] as const) {
    it(`is kept by the run and is what it trains with: ${title}`, () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows, { ...quick, ...config })
        const stored = JSON.parse(await readFile(join(run, 'training.json'), 'utf8')) as object
        expect(stored).to.have.property('learning_rate', expected)
        const rates: number[] = []
        await continueRun(run, { step: ({ learning_rate }) => rates.push(learning_rate) })
        expect(rates).to.deep.equal([expected, expected])
      }))
  }

  it('is 5e-5 in a run of before there were several', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, quick)
      const path = join(run, 'training.json')
      const kept = JSON.parse(await readFile(path, 'utf8')) as object
      await writeFile(path, JSON.stringify({ ...kept, learning_rate: undefined }))
      expect((await readRunConfig(run)).learning_rate).to.equal(5e-5)
    }))
})
