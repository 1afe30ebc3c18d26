import { expect } from 'chai'

import { readConfig } from '../../../src/runs/read_config.ts'
import { unlike } from '../../../src/runs/sweep/unlike.ts'

const SHARED = { model: 'model', output_dir: 'runs/tiny', data: [{ path: 'rows.csv' }] }
const stages = [{ name: 'short', max_length: 9 }, { name: 'all' }]

describe('runs of a sweep', () => {
  for (const [what, variants, says] of [
    [
      'of other rows',
      [{}, { eval_filter: 'row.text' }, { eval_max_length: 9 }],
      'the runs differ in what they are evaluated on (eval_filter, eval_max_length),',
    ],
    [
      'by other templates',
      [{ template: { text: '{{ a }}' } }, { template: { text: '{{ b }}' } }],
      'the runs differ in what they are evaluated on (eval_data),',
    ],
    [
      'of which one has stages',
      [{}, { stages }],
      'the runs differ in what they are evaluated on (eval_max_length),',
    ],
    ['of another task', [{}, { task: 'dpo' }], 'the runs are of several tasks, sft, dpo,'],
    [
      'that compare',
      [
        {},
        { stages, curriculum: { validation: 'all' } },
        { lora: { r: 2 } },
        { max_length: 9, eval_max_length: 'context' },
      ],
      undefined,
    ],
  ] as const)
    it(`${what} are ${says === undefined ? 'compared in silence' : 'told apart in a sentence'}`, () => {
      const said = unlike(variants.map((keys) => ({ config: readConfig({ ...SHARED, ...keys }) })))
      expect(said).to.have.length(says === undefined ? 0 : 1)
      if (says !== undefined) expect(said[0]).to.include(says)
    })
})
