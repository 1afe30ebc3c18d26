import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { checkLearning } from '../../src/runs/check_learning.ts'
import { learningSchema } from '../../src/runs/learning_config.ts'

const check = (config: object) => () => checkLearning(learningSchema.parse(config))

describe('adapters that do not go with a task are refused in one sentence', () => {
  for (const task of ['ppo', 'grpo', 'rloo', 'neuroplastic'])
    it(`dropout in task ${task}`, () => {
      expect(check({ task, lora: { lora_dropout: 0.1 } })).to.throw(
        UserError,
        new RegExp(`^lora_dropout is not for task ${task}, where .*; leave it out$`),
      )
    })

  for (const task of ['dpo', 'kto', 'ppo', 'grpo', 'rloo'])
    it(`whole modules in task ${task}, whose reference has them in common`, () => {
      expect(check({ task, lora: { modules_to_save: ['wte'] } })).to.throw(
        UserError,
        new RegExp(`^modules_to_save is not for task ${task}, where the reference .*; leave it out$`),
      )
    })

  it('and those that do are not', () => {
    expect(check({ task: 'dpo', lora: { lora_dropout: 0.1 } })).not.to.throw()
    expect(check({ task: 'sft', lora: { modules_to_save: ['wte'] } })).not.to.throw()
  })
})
