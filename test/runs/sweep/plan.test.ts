import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { readAxis } from '../../../src/runs/sweep/axis.ts'
import { folderName } from '../../../src/runs/sweep/names.ts'
import type { SweepPlan } from '../../../src/runs/sweep/plan.ts'
import { planSweep } from '../../../src/runs/sweep/plan.ts'
import { withFolder } from '../../data/helpers.ts'
import { writeTinyModel } from '../../tiny_model.ts'

async function withPlans(
  work: (plan: (file: object, ...given: string[]) => Promise<SweepPlan>) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const [model, path] = [join(folder, 'model'), join(folder, 'rows.jsonl')]
    await writeTinyModel(model)
    writeFileSync(path, '{"text": "a fox"}\n')
    await work((more, ...given) => {
      const file = { model, output_dir: 'runs/tiny/', data: [{ path, split: { all: 'train' } }], ...more }
      return planSweep({ path: 'run.yaml', file, axes: given.map(readAxis) })
    })
  })
}

const digests = ({ runs }: SweepPlan): string[] => runs.map(({ digest }) => digest)

describe('the plan of a sweep', () => {
  it('has each configuration once, however its values are written', () =>
    withPlans(async (plan) => {
      const { runs, out } = await plan({}, 'lora={ r: 4 },{ r: 8 },{ r: 4, lora_alpha: 16 },{ r: 4.0 }')
      expect(out).to.equal('runs/tiny-sweep')
      expect(new Set(runs.map(({ digest }) => digest)).size).to.equal(runs.length)
      expect(runs.length).to.be.lessThan(4)
    }))

  it('recognises a run by its configuration, whichever keys are swept and wherever it lies', () =>
    withPlans(async (plan) => {
      const before = await plan({ lora: { r: 4 } }, 'learning_rate=1e-4,3e-4')
      const after = await plan({ lora: { r: 4 }, output_dir: 'b' }, 'lora.r=8,4', 'learning_rate=3e-4,1e-4')
      expect(digests(after)).to.include.members(digests(before))
      expect(
        digests(await plan({ lora: { r: 4 }, max_length: null }, 'learning_rate=1e-4,3e-4')),
      ).to.deep.equal(digests(before))
      const other = await plan({ lora: { r: 4 }, weight_decay: 0.1 }, 'learning_rate=1e-4,3e-4')
      expect(digests(other)).not.to.include.members(digests(before))
    }))

  it('names folders by their values', () =>
    withPlans(async (plan) => {
      const { runs } = await plan(
        {},
        'learning_rate=0.0001,3e-4',
        'lora.target_modules=[c_attn],[c_attn,c_proj]',
      )
      expect(runs.map((run) => folderName(run, ['learning_rate', 'lora.target_modules']))[1]).to.match(
        /^learning_rate=1e-4,target_modules=_c_attn,c_proj_-[0-9a-f]{12}$/,
      )
    }))
})
