import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { runAlone } from '../cli/run_cli.ts'
import type { Result } from '../cli/sweep_helpers.ts'
import {
  comparable,
  filesOf,
  killAt,
  place,
  resultOf,
  rowsIn,
  steps,
  VARIANTS,
} from '../cli/sweep_helpers.ts'
import { withFolder } from '../data/helpers.ts'

describe('a sweep', function () {
  this.timeout(180_000)

  it('killed in a run and between two, goes on by the same command to the same bytes', () =>
    withFolder(async (root) => {
      const config = { max_steps: 40, eval_steps: 10, save_steps: 5 }
      const [whole, killed] = [join(root, 'whole'), join(root, 'killed')]
      for (const folder of [whole, killed]) {
        await mkdir(folder)
        await place(folder, config)
      }
      const given = ['sweep', 'run.yaml', 'learning_rate=1e-3,1e-2', 'seed=1,2', '--json']
      const { out, runs } = resultOf(await runAlone(whole, ...given))
      const names = runs.toSorted((a, b) => order(a) - order(b)).map(({ run }) => run)
      const logOf = (name: string) => join(killed, out, name, 'log.jsonl')
      const moments: readonly (() => boolean)[] = [
        () => steps(logOf(names[0]!)) > 12,
        () => existsSync(join(killed, out, `.${names[1]}.ortune-new`, 'config.json')),
        () => steps(logOf(names[2]!)) > 22,
        () => rowsIn(join(killed, out)) === 3,
      ]
      for (const moment of moments) await killAt(killed, given, moment)
      const first = statSync(logOf(names[0]!)).mtimeMs
      const result = resultOf(await runAlone(killed, ...given))
      expect(statSync(logOf(names[0]!)).mtimeMs).to.equal(first)
      expect(result.runs.map(comparable)).to.deep.equal(runs.map(comparable))
      for (const name of names)
        expect(filesOf(join(killed, out, name))).to.deep.equal(filesOf(join(whole, out, name)))
      expect(readdirSync(join(killed, out)).filter((name) => name.startsWith('.'))).to.deep.equal([])
    }))

  it('with stages in a variant, killed in them, goes on to the same bytes', () =>
    withFolder(async (root) => {
      const [whole, killed] = [join(root, 'whole'), join(root, 'killed')]
      for (const folder of [whole, killed]) {
        await mkdir(folder)
        await place(folder, VARIANTS)
      }
      const given = ['sweep', 'run.yaml', 'seed=1,2', 'variant=staged', 'save_steps=1', '--json']
      const { out, runs } = resultOf(await runAlone(whole, ...given))
      const [first, second] = runs
        .toSorted((a, b) => Number(a.values['seed']) - Number(b.values['seed']))
        .map(({ run }) => join(out, run)) as [string, string]
      const logOf = (run: string, stage: string) => join(killed, run, 'stages', stage, 'log.jsonl')
      await killAt(killed, given, () => steps(logOf(first, '2-all')) > 1)
      const result = resultOf(await runAlone(killed, ...given))
      expect(result.runs.map(comparable)).to.have.deep.members(runs.map(comparable))
      for (const run of [first, second])
        for (const stage of ['1-short', '2-all'])
          expect(filesOf(join(killed, run, 'stages', stage))).to.deep.equal(
            filesOf(join(whole, run, 'stages', stage)),
          )
    }))
})

const order = ({ values }: Result['runs'][number]): number =>
  Number(values['learning_rate']) * 100 + Number(values['seed'])
