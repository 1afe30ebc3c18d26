import { expect } from 'chai'

import { settingsOf } from '../../page/train/settings.ts'
import type { Filled } from '../../page/train/settings.ts'
import { learningSchema } from '../../src/runs/learning_config.ts'

const filled: Filled = { task: 'sft', steps: 60, batch: 8, rank: 8, rate: '', seed: 42, more: '' }

describe('what is filled in on the page', () => {
  it('becomes keys of a configuration', () => {
    expect(settingsOf(filled)).to.deep.equal({
      task: 'sft',
      max_steps: 60,
      seed: 42,
      per_device_train_batch_size: 8,
      eval_steps: 10,
      lora: { r: 8, lora_alpha: 16 },
    })
  })

  it('has the template that was given, if any', () => {
    const template = { text: '{{ review }}', label: '{{ sentiment }}' }
    expect(settingsOf({ ...filled, template })).to.deep.include({ template })
    expect(settingsOf({ ...filled, template: undefined })).not.to.have.property('template')
  })

  it('is a configuration of every task', () => {
    for (const task of ['sft', 'classification', 'dpo', 'ppo'] as const) {
      const settings = settingsOf({ ...filled, task, batch: 4 }) as { ppo?: object }
      // The worker names the function.
      const ppo = settings.ppo && { ppo: { ...settings.ppo, reward: { function: 'reward.js' } } }
      expect(learningSchema.safeParse({ ...settings, ...ppo }).error, task).to.equal(undefined)
    }
  })

  it('takes other keys a line, with dots, lists and texts', () => {
    const more = `
      # a comment
      lora.lora_alpha: 4
      lora.target_modules: [c_attn, attn.c_proj]
      lr_scheduler_type: cosine
      packing: true
      dpo.loss_type: 'it''s'
      early_stopping_patience: null`
    expect(settingsOf({ ...filled, rate: '1e-3', more })).to.deep.include({
      learning_rate: 1e-3,
      lora: { r: 8, lora_alpha: 4, target_modules: ['c_attn', 'attn.c_proj'] },
      lr_scheduler_type: 'cosine',
      packing: true,
      dpo: { loss_type: "it's" },
      early_stopping_patience: null,
    })
  })

  for (const [what, wrong, says] of [
    ['a rate that is no number', { rate: 'fast' }, /The learning rate "fast" is no number above 0/],
    ['a rate of 0', { rate: '0' }, /above 0/],
    ['half a step', { steps: 1.5 }, /Steps must be a whole number of at least 1/],
    ['no batch', { batch: 0 }, /Examples a step must be/],
    ['an adapter that is none', { more: 'lora: full' }, /lora full trains no adapter.*leave it out/],
    ['another task', { more: 'task: dpo' }, /the task is chosen among the examples/],
    ['a key that is none', { more: '__proto__.x: 1' }, /there is no such key/],
    ['a line without a value', { more: 'packing: true\nlora.r' }, /line 2 .*"lora\.r".* is no "key: value"/],
  ] as const)
    it(`refuses ${what} in a sentence`, () => {
      expect(() => settingsOf({ ...filled, ...wrong }))
        .to.throw(says)
        .with.property('name', 'UserError')
    })
})
