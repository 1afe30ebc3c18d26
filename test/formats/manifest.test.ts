import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import type { Manifest } from '../../src/formats/manifest.ts'
import { FORMAT_VERSION, parseManifest } from '../../src/formats/manifest.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import type { TaskName } from '../../src/tasks/index.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { cases } from '../tasks/cases.ts'
import { createTinyRun } from '../training/tiny_run.ts'

/** What ortune wrote before it had a version 2, with the signatures of the models left out. */
const written = {
  lora: { r: 16, lora_alpha: 32, target_modules: ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'] },
  seed: 42,
  opset: 20,
  parameters: { trainable: 295104, frozen: 3505152 },
  models: {},
  data: { fingerprint: '577969b171e23020d853dd20b6def5d60fe7f5cc91ef2e521aaa76433b3a7de8' },
}
const none = {
  head: null,
  npt: null,
  equivalence: null,
  consolidation: null,
  reward: null,
  dpo: null,
  ppo: null,
}
const version1 = (task: string, own: object): object => ({
  format_version: 1,
  task,
  ...written,
  ...none,
  ...own,
})

const dpo = { loss_type: 'sigmoid', beta: 0.1, label_smoothing: 0, length_normalised: false, rpo_alpha: 1 }
const npt = { rank: 64, modulation_scale: 1, init_scale: 1, layers: 'upper_half', attention_residual: false }
const pooled = { pooling: 'last', dropout: 0.1 }
const language = { kind: 'language' }

/** Keys of version 1 beside what all have, and those of version 2. */
const kinds: readonly (readonly [TaskName, object, object])[] = [
  ['sft', {}, { head: language, npt: null, options: {} }],
  [
    'classification',
    { head: { classes: ['noun', 'verb'], ...pooled } },
    { head: { kind: 'classes', classes: ['noun', 'verb'], ...pooled }, npt: null, options: {} },
  ],
  [
    'reward',
    { head: { classes: ['reward'], ...pooled }, reward: { center_rewards_coefficient: 0.01 } },
    { head: { kind: 'score', ...pooled }, npt: null, options: { center_rewards_coefficient: 0.01 } },
  ],
  ['dpo', { dpo }, { head: language, npt: null, options: dpo }],
  [
    'consolidation',
    { lora: 'none', npt, consolidation: { fold: 'mean', damage_weight: 4 } },
    { lora: 'none', head: language, npt, options: { fold: 'mean', damage_weight: 4 } },
  ],
]

describe('manifests', () => {
  for (const [task, own, expected] of kinds)
    it(`of version 1 are read: ${task}`, () => {
      expect(parseManifest(version1(task, own), 'ortune.json')).to.deep.equal({
        format_version: FORMAT_VERSION,
        task,
        ...written,
        ...expected,
        files: {},
      })
    })

  it('of version 1 are refused where they are damaged', () => {
    const broken: readonly [object, RegExp][] = [
      [{ task: 'sleep' }, /o\.json: task: /],
      [{ head: { classes: [], ...pooled } }, /o\.json: head\.classes: /],
      [{ head: { classes: ['a', 'b'], ...pooled, pooling: 'first' } }, /o\.json: head\.pooling: /],
      [{ lora: 7 }, /o\.json: lora: /],
    ]
    for (const [own, message] of broken)
      expect(() => parseManifest(version1('classification', own), 'o.json')).to.throw(UserError, message)
  })

  it('of another version are refused', () => {
    for (const format_version of [0, 3, '1', null])
      expect(() => parseManifest({ ...version1('sft', {}), format_version }, 'o.json')).to.throw(
        UserError,
        /^o\.json: format_version/,
      )
  })

  it('of a task that is not known say what to do', () =>
    withFolder(async (folder) => {
      const manifest = parseManifest(version1('sft', {}), 'o.json')
      await writeFile(join(folder, 'ortune.json'), JSON.stringify({ ...manifest, task: 'sleep' }))
      expect(await userError(() => readRunManifest(folder))).to.match(
        /ortune\.json is of task sleep, which is not known here .+; use the version of ortune that made it$/,
      )
    }))

  for (const [task, old] of [
    ['reward', { head: { classes: ['reward'], ...pooled }, reward: { center_rewards_coefficient: 0 } }],
    ['dpo', { dpo: { ...dpo, rpo_alpha: 0 } }],
  ] as const)
    it(`of version 1 stand in runs that go on and are judged: ${task}`, () =>
      withFolder(async (folder) => {
        const { rows } = cases[task]
        const { run } = await createTinyRun(folder, rows, { task, max_steps: 2, eval_steps: 1 })
        const path = join(run, 'ortune.json')
        const made = JSON.parse(await readFile(path, 'utf8')) as Manifest
        const { lora, seed, opset, parameters, models, data } = made
        await writeFile(
          path,
          JSON.stringify({ ...version1(task, old), lora, seed, opset, parameters, models, data }),
        )
        expect((await readRunManifest(run)).head).to.deep.equal(made.head)
        await continueRun(run)
        expect((await evaluateRun(run, 'validation')).task).to.equal(task)
      }))
})
