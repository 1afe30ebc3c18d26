import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import type { EqualComparison } from '../../src/runs/sweep/equal.ts'
import { runHere } from './run_cli.ts'
import type { Result } from './sweep_helpers.ts'
import { configure, sweep, withSweep, VARIANTS } from './sweep_helpers.ts'

interface Equal {
  readonly equal: readonly EqualComparison[]
}

describe('the variants of a file', function () {
  this.timeout(120_000)

  it('are compared over seeds at equal tokens and seconds', () =>
    withSweep(async (folder) => {
      const given = ['seed=1,2', '--equal', 'tokens,seconds']
      const { stderr, stdout } = await runHere(folder, 'sweep', 'run.yaml', '--json', ...given)
      const { runs, keys, over_seeds, equal, out } = JSON.parse(stdout) as Result & Equal
      expect(keys).to.deep.equal(['seed', 'variant'])
      expect(
        [...stderr.matchAll(/^run \d of 6: (.*?)(?: {2}|$)/gm)].map(([, values]) => values),
      ).to.deep.equal(
        [1, 2].flatMap((seed) => ['plain', 'large', 'staged'].map((name) => `seed=${seed} variant=${name}`)),
      )
      expect(over_seeds).to.have.length(3)
      const of = (name: string) => runs.filter(({ variant }) => variant === name)
      expect(of('large').map(({ config }) => config['lora'])).to.deep.equal(
        [{ r: 8 }, { r: 8 }].map((lora) => ({ ...(of('plain')[0]!.config['lora'] as object), ...lora })),
      )
      for (const { steps, evaluations, run, tokens } of of('staged')) {
        expect(steps).to.equal(6)
        expect(evaluations.map(({ step }) => step)).to.deep.equal([0, 2, 2, 4, 6])
        expect(evaluations.at(-1)!.tokens).to.equal(tokens)
        expect(existsSync(join(folder, out, run, 'curriculum.json'))).to.equal(true)
      }
      expect(equal.map(({ by }) => by)).to.deep.equal(['tokens', 'seconds'])
      const [{ at, metrics }] = equal as [Equal['equal'][number]]
      expect(at).to.equal(Math.min(...runs.map(({ tokens }) => tokens)))
      expect(metrics[0]!.groups.map(({ values }) => values['variant'])).to.deep.equal([
        'plain',
        'large',
        'staged',
      ])
      const table = await runHere(folder, 'sweep', 'run.yaml', ...given)
      expect(table.stdout)
        .to.match(/^at [\d,]+ tokens +variant +median .* beside plain/m)
        .and.match(/^at [\d.]+ seconds/m)
    }, VARIANTS))

  it('are trained one by one, too; the command line counts in all of them', () =>
    withSweep(async (folder) => {
      const trained = await runHere(folder, 'train', 'run.yaml', 'variant=large', 'output_dir=runs/large')
      expect(trained.code, trained.stderr).to.equal(0)
      const both = await runHere(folder, 'train', 'run.yaml', 'lora=full', 'r=4', 'output_dir=runs/both')
      expect(both.code).to.equal(2)
      expect(both.stderr)
        .to.include('r=4 is lora.r=4\n')
        .and.include('lora=full and lora.r=4 on the command line both say what lora is')
      const kept = JSON.parse(readFileSync(join(folder, 'runs/large/training.json'), 'utf8')) as {
        lora?: { r: number }
      }
      expect(kept.lora!.r).to.equal(8)
      const twice = ['variant=large', 'variant=plain', 'output_dir=runs/plain']
      expect((await runHere(folder, 'train', 'run.yaml', ...twice)).code).to.equal(0)
      expect(readFileSync(join(folder, 'runs/plain/training.json'), 'utf8')).to.match(/"r":\s*4/)
      const { runs } = await sweep(folder, 'seed=1,2', 'variant=plain,large', 'lora.r=2')
      expect(runs.map(({ config }) => (config['lora'] as { r: number }).r)).to.deep.equal([2, 2, 2, 2])
    }, VARIANTS))

  for (const [what, given, says, config] of [
    [
      'one that there is not',
      ['seed=1,2', 'variant=larg'],
      'variant=larg on the command line: there is no such variant; choose from plain, large, staged',
      VARIANTS,
    ],
    ['one where there are none', ['seed=1,2', 'variant=a'], 'the file has no variants', {}],
    ['none', ['seed=1,2'], 'variants must be a mapping of names', { variants: {} }],
    ['a name that is none', ['seed=1,2'], 'is no name', { variants: { '../a': null } }],
    [
      'a number, which would not keep its place',
      ['seed=1,2'],
      'begin with a letter',
      { variants: { 10: null, 2: null } },
    ],
    ['a value', ['seed=1,2'], 'must be a mapping of keys', { variants: { a: 1 } }],
    [
      'a key for all',
      ['seed=1,2'],
      'output_dir is for all variants',
      { variants: { a: { output_dir: 'b' } } },
    ],
    [
      'a wrong key',
      ['seed=1,2'],
      'run.yaml: variant "a": lora.r must be',
      { variants: { a: { 'lora.r': 0 } } },
    ],
    [
      'a model that is not there',
      ['seed=1,2'],
      'run.yaml: variant "b": nowhere does not exist',
      { variants: { a: null, b: { model: 'nowhere' } } },
    ],
    [
      'a short key that another task of a variant has, too',
      ['beta=0.1,0.2', 'variant=b'],
      'beta=0.1,0.2 on the command line may be of dpo.beta or plastic.beta',
      { variants: { b: { task: 'dpo' } } },
    ],
    [
      'a key within the choice',
      ['seed=1,2', 'variant.x=1'],
      'variant.x=1 on the command line: there is no option "variant"',
      VARIANTS,
    ],
    [
      'a budget that is none',
      ['seed=1,2', '--equal', 'steps'],
      'choose tokens, seconds or tokens,seconds',
      VARIANTS,
    ],
  ] as const)
    it(`are refused in one sentence: ${what}`, () =>
      withSweep(async (folder) => {
        const { code, stderr } = await runHere(folder, 'sweep', 'run.yaml', ...given)
        expect(stderr).to.include(says)
        expect(code).to.equal(2)
        expect(existsSync(join(folder, 'runs'))).to.equal(false)
      }, config))

  it('learn from the shipped instructions where they have stages and no data', () =>
    withSweep(
      async (folder) => {
        const { code, stderr } = await runHere(folder, 'sweep', 'run.yaml', 'seed=1,2', '--minutes', '0')
        expect(stderr).to.match(/run\.yaml has no data: the stages learn from .*instructions\.csv/)
        expect(code, stderr).to.equal(0)
      },
      { data: undefined, stages: [{ name: 'all' }] },
    ))

  it('mean one thing in one folder', () =>
    withSweep(async (folder) => {
      await sweep(folder, 'seed=1,2', 'variant=plain')
      configure(folder, { variants: { ...VARIANTS.variants, more: { 'lora.r': 1 } } })
      expect((await sweep(folder, 'seed=1', 'variant=plain,more')).runs).to.have.length(3)
      configure(folder, { variants: { ...VARIANTS.variants, more: { 'lora.r': 2 } } })
      const { code, stderr } = await runHere(folder, 'sweep', 'run.yaml', 'seed=1', 'variant=plain,more')
      expect(stderr).to.include('holds a sweep in which variant "more" has other keys')
      expect(code).to.equal(2)
    }, VARIANTS))
})
