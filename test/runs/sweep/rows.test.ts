import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import type { SweepRow } from '../../../src/runs/sweep/rows.ts'
import { appendRow, readRows } from '../../../src/runs/sweep/rows.ts'
import { withFolder } from '../../data/helpers.ts'

const row = (run: string): SweepRow => ({
  ...{ run, digest: run, error: null, metric: 'eval_loss', best_metric: 2, best_step: 4 },
  ...{ steps: 4, tokens: 100, seconds: 1, elapsed_seconds: 2, evaluations: [], evaluated: {}, config: {} },
})

describe('the lines of a sweep', () => {
  it('are JSON each, also after one that was cut off', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'sweep.jsonl')
      const lines = () => readFileSync(file, 'utf8').split('\n')
      appendRow(file, row('a'))
      appendRow(file, row('b'))
      expect(lines()).to.deep.equal([JSON.stringify(row('a')), JSON.stringify(row('b')), ''])
      appendFileSync(file, '{"run": "half a li')
      appendRow(file, { ...row('a'), best_metric: 1 })
      expect(lines()).to.have.length(5)
      const kept = await readRows(file)
      expect([...kept.values()].map(({ run, best_metric }) => [run, best_metric])).to.deep.equal([
        ['a', 1],
        ['b', 2],
      ])
    }))
})
