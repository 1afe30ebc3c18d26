import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import { runHere } from './run_cli.ts'
import { comparable, filesOf, start, steps, sweep, withSweep } from './sweep_helpers.ts'

describe('ortune sweep', function () {
  this.timeout(120_000)

  it('trains each combination once, and compares them over seeds', () =>
    withSweep(async (folder) => {
      const given = ['learning_rate=1e-3,1e-2,0.001', 'lora.r=2,4', 'seed=1,2', '--split', 'test']
      const { out, keys, runs, over_seeds, best, picture, left } = await sweep(folder, ...given)
      expect(out).to.equal('runs/tiny-sweep')
      expect(keys).to.deep.equal(['learning_rate', 'lora.r', 'seed'])
      expect(runs).to.have.length(8)
      expect(new Set(runs.map(({ values }) => JSON.stringify(values))).size).to.equal(8)
      expect(left).to.equal(0)
      const losses = runs.map(({ best_metric }) => best_metric!)
      expect(losses).to.deep.equal(losses.toSorted((a, b) => a - b))
      for (const { run, steps, tokens, seconds, evaluations, evaluated, best_metric } of runs) {
        expect(steps).to.equal(4)
        expect(evaluations.map(({ step }) => step)).to.deep.equal([0, 2, 4])
        expect(evaluations.at(-1)).to.include({ tokens, seconds })
        expect(seconds).to.be.greaterThan(evaluations[1]!.seconds)
        expect(Math.min(...evaluations.slice(1).map(({ eval_loss }) => eval_loss as number))).to.equal(
          best_metric,
        )
        expect(evaluated['test']!['loss']).to.be.a('number')
        const log = readFileSync(join(folder, out, run, 'log.jsonl'), 'utf8')
          .trim()
          .split('\n')
        const stepTokens = log.map((line) => (JSON.parse(line) as { tokens?: number }).tokens ?? 0)
        expect(stepTokens.reduce((sum, count) => sum + count)).to.equal(tokens)
      }
      expect(over_seeds).to.have.length(4)
      for (const group of over_seeds) expect(group).to.include({ finished: 2, failed: 0 })
      expect(best).to.equal(join(out, runs[0]!.run))
      expect(readFileSync(join(folder, picture), 'utf8')).to.match(
        /^<svg.*learning_rate.*lora\.r.*seed.*loss/s,
      )
    }))

  it('goes on with more values and keys, and does not do again what is done', () =>
    withSweep(async (folder) => {
      const first = await sweep(folder, 'learning_rate=1e-3,1e-2')
      const logs = first.runs.map(({ run }) => join(folder, first.out, run, 'log.jsonl'))
      const times = logs.map((log) => statSync(log).mtimeMs)
      const { runs } = await sweep(folder, 'learning_rate=1e-3,1e-2,3e-2', 'lora.r=4,8')
      expect(runs).to.have.length(6)
      expect(runs.map(({ values }) => values['lora.r'])).to.have.members([4, 4, 4, 8, 8, 8])
      expect(logs.map((log) => statSync(log).mtimeMs)).to.deep.equal(times)
      const { code, stderr } = await runHere(
        folder,
        'sweep',
        'run.yaml',
        'learning_rate=1e-3,1e-2',
        'max_steps=5',
      )
      expect(stderr).to.match(
        /holds a sweep in which max_steps is 4, and here it is 5; put it back, sweep over it/,
      )
      expect(code).to.equal(2)
    }))

  it('keeps to a budget, and goes on with a larger one', () =>
    withSweep(async (folder) => {
      const given = ['learning_rate=log:1e-4:1e-2', 'weight_decay=lin:0:0.1', '--random', '4']
      const few = await sweep(folder, ...given, '--runs', '2')
      expect(few).to.include({ left: 2, stopped: 'runs' })
      expect(await sweep(folder, ...given, '--runs', '2')).to.include({ left: 2, stopped: 'runs' })
      expect(await sweep(folder, ...given, '--minutes', '0')).to.include({ left: 2, stopped: 'minutes' })
      const all = await sweep(folder, ...given)
      expect(all).to.include({ left: 0, stopped: null })
      expect(all.runs).to.have.length(4)
      expect(all.runs.map(({ digest }) => digest)).to.include.members(few.runs.map(({ digest }) => digest))
    }))

  it('a run that fails is a row with its sentence, and the others are done', () =>
    withSweep(
      async (folder) => {
        const given = ['learning_rate=10,1e-3', 'seed=1,2']
        const { runs, over_seeds } = await sweep(folder, ...given)
        expect(runs.map(({ error }) => error === null)).to.deep.equal([true, true, false, false])
        expect(runs[3]!.error).to.match(/step \d+/)
        expect(runs[3]!.best_metric).to.equal(null)
        expect(over_seeds.at(-1)).to.include({ finished: 0, failed: 2 })
        const { stdout, stderr } = await runHere(folder, 'sweep', 'run.yaml', ...given)
        expect(stderr).to.include('4 runs, 4 done before')
        expect(stdout)
          .to.match(/^failed +10 +1 +–/m)
          .and.match(/^failed: learning_rate=10 seed=\d/m)
        const again = await runHere(folder, 'sweep', 'run.yaml', ...given, '--retry')
        expect(again.stderr).to.include('4 runs, 2 done before').and.include('run 4 of 4, which goes on')
      },
      { max_steps: 60, max_grad_norm: 0, adam_beta2: 0 },
    ))

  for (const [what, given, says] of [
    ['a value', ['lora.r=4,0'], 'lora.r=0 on the command line: lora.r must be a whole number, ≥ 1'],
    [
      'an end of a range',
      ['learning_rate=lin:1:100', '--random', '2'],
      'learning_rate=100 on the command line',
    ],
    ['a range in a grid', ['learning_rate=log:1e-5:1e-3'], 'draw from it by --random'],
    [
      'options that do not go together',
      ['npt={rank: 2},null', 'seed=1,2'],
      'npt={rank: 2} on the command line',
    ],
    [
      'a module that is none',
      ['lora.target_modules=[c_attn],[c_atn]'],
      'lora.target_modules=[c_atn] on the command',
    ],
    ['a length beyond the model', ['max_length=16,4096'], 'max_length=4096 on the command line'],
    [
      'data that is not there',
      ['data.0.path=rows.csv,x.csv'],
      'data.0.path=x.csv on the command line: x.csv',
    ],
    ['an option that there is not', ['learning_rat=1,2'], 'did you mean "learning_rate"?'],
    ['a key twice', ['seed=1,2', 'seed=3'], 'seed stands twice on the command line'],
    ['a key by two names', ['lora.r=2,4', 'r=8'], 'lora.r stands twice on the command line'],
    [
      'a last name of several keys',
      ['task=sft,dpo', 'beta=0.1,0.2'],
      'beta=0.1,0.2 on the command line may be of dpo.beta or plastic.beta',
    ],
    ['a range by a last name', ['r=log:2.5:8', '--random', '2'], 'lora.r is a whole number'],
    ['a key and what is in it', ['lora=full,none', 'lora.r=2,4'], 'both say what lora is'],
    ['folders of runs', ['output_dir=a,b'], 'name that of the sweep by --out'],
    ['nothing', ['seed=1'], 'there is nothing to sweep over'],
    ['a folder of something else', ['seed=1,2', '--out', 'model'], 'model holds files that are no sweep'],
  ] as const)
    it(`is refused before the first run, and leaves nothing: ${what}`, () =>
      withSweep(async (folder) => {
        const { code, stderr } = await runHere(folder, 'sweep', 'run.yaml', ...given)
        expect(stderr).to.include(says)
        expect(code).to.equal(2)
        expect(existsSync(join(folder, 'runs'))).to.equal(false)
      }))

  it('killed after the last step and before it is noted, takes no step again', () =>
    withSweep(async (folder) => {
      const { out, runs } = await sweep(folder, 'seed=1,2')
      const rows = join(folder, out, 'sweep.jsonl')
      const [first] = readFileSync(rows, 'utf8').split('\n').filter(Boolean)
      writeFileSync(rows, `${first}\n{"run": "half a li`)
      const files = runs.map(({ run }) => filesOf(join(folder, out, run)))
      const again = await sweep(folder, 'seed=1,2')
      expect(again.runs.map(comparable)).to.deep.equal(runs.map(comparable))
      expect(runs.map(({ run }) => filesOf(join(folder, out, run)))).to.deep.equal(files)
      expect(again.runs.map(({ seconds }) => seconds)).to.deep.equal(runs.map(({ seconds }) => seconds))
    }))

  it('ends on Ctrl-C with a checkpoint, code 130 and the table so far', () =>
    withSweep(
      async (folder) => {
        const run = start(folder, ['sweep', 'run.yaml', 'seed=1,2'])
        const out = join(folder, 'runs/tiny-sweep')
        const begun = () =>
          existsSync(out) && readdirSync(out).some((name) => steps(join(out, name, 'log.jsonl')) > 2)
        while (run.child.exitCode === null && !begun()) await setTimeout(5)
        run.child.kill('SIGINT')
        const [code] = await run.ended
        expect(code).to.equal(130)
        expect(run.said()).to.include('2 runs left: it was interrupted; the same command goes on')
        const name = readdirSync(out).find((name) => name.startsWith('seed=1'))!
        expect(existsSync(join(out, name, 'checkpoints', 'last'))).to.equal(true)
      },
      { max_steps: 100_000, eval_steps: 100_000 },
    ))
})
