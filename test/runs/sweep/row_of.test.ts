import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readConfig } from '../../../src/runs/read_config.ts'
import { rowOf } from '../../../src/runs/sweep/row_of.ts'
import { withFolder } from '../../data/helpers.ts'

const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')

describe('the row of a run', () => {
  for (const [what, counted, notes] of [
    ['whose clock has all steps', [1, 2, 3], 0],
    ['whose clock lacks the last steps', [1], 1],
    ['whose clock lacks steps between', [1, 3], 1],
    ['without a clock', [], 1],
  ] as const)
    it(`${what} ${notes === 0 ? 'is kept in silence' : 'is kept with a note'}`, () =>
      withFolder(async (folder) => {
        const run = join(folder, 'run')
        await mkdir(run)
        await writeFile(
          join(run, 'log.jsonl'),
          lines([
            { step: 3, loss: 1 },
            { step: 3, eval_loss: 1, best: true },
          ]),
        )
        await writeFile(
          join(run, 'clock.jsonl'),
          lines(counted.map((step) => ({ step, tokens: 10 * step, seconds: step }))),
        )
        const config = readConfig({ model: 'model', output_dir: run, data: [{ path: 'rows.csv' }] })
        const said: string[] = []
        const planned = { config, digest: '0', variant: undefined, overrides: [] }
        const row = await rowOf(planned, run, null, 1, (sentence) => said.push(sentence))
        expect(row.tokens).to.equal(10 * (counted.at(-1) ?? 0))
        expect(said).to.have.length(notes)
        if (notes > 0) expect(said[0]).to.include('clock.jsonl lacks some of 3 steps')
      }))
})
