import Ajv from 'ajv'
import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { checkConfig } from '../../src/runs/check_config.ts'
import { configSchema } from '../../src/runs/config_schema.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { TASK_NAMES, taskNamed } from '../../src/tasks/index.ts'

const base = { model: 'm', output_dir: 'o', data: [{ path: 'a.csv' }] }
const npt = { rank: 4, modulation_scale: 1, init_scale: 0.1, layers: 'all', attention_residual: true }

/** Keys that some tasks take and others refuse, and all of each task's own. */
const additions: readonly object[] = [
  {},
  { npt },
  { npt, lora: 'full' },
  { npt, lora: 'none' },
  { npt: { from: 'run' } },
  { npt: null, lora: 'none' },
  { lora: 'none' },
  { lora: 'full' },
  ...[null, 'adaptive', { advance: 'fixed', validation: 'all' }].flatMap((curriculum) => [
    { curriculum },
    { curriculum, stages: null },
    { curriculum, stages: [{ name: 'first' }, { name: 'second', max_length: 9 }] },
  ]),
  { eval_filter: true, eval_max_length: 'context', eval_data: [{ path: 'b.csv' }] },
  { packing: true },
  { packing: false },
  ...['eval_loss', 'eval_nothing', ...new Set(TASK_NAMES.flatMap((name) => taskNamed(name).metrics))].map(
    (metric_for_best_model) => ({ metric_for_best_model }),
  ),
  ...TASK_NAMES.map((name) => ({ [name]: {} })),
  { ppo: { reward: { metric: 'rougeL' } } },
  { ppo: { reward: { metric: 'rougeL' } }, npt },
  { ppo: { batch_size: 4 } },
]

const groups = { reward_funcs: [{ metric: 'exact_match' }] }

/** Whether the loader takes a configuration. */
function loads(config: object): boolean {
  try {
    checkConfig(readConfig(config))
    return true
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

describe('the JSON schema of a configuration', () => {
  // Draft 7 has the same words for it.
  const accepts = new Ajv().compile({ ...configSchema(), $schema: 'http://json-schema.org/draft-07/schema#' })

  for (const task of [undefined, ...TASK_NAMES])
    it(`takes and refuses what the loader does of task ${task ?? 'none, which is sft'}`, () => {
      // A task that needs keys is varied with them, too: else it would be refused for their absence alone.
      const needed = [
        {},
        { npt },
        { ppo: { reward: { metric: 'rougeL' } } },
        { grpo: groups },
        { rloo: groups },
      ]
      const outcomes = new Set<boolean>()
      for (const more of needed)
        for (const addition of additions) {
          const config = { ...base, ...(task && { task }), ...more, ...addition }
          const loaded = loads(config)
          outcomes.add(loaded)
          expect(accepts(config), JSON.stringify(config)).to.equal(loaded)
        }
      expect([...outcomes]).to.have.members([true, false])
    })
})
