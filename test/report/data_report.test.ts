import { expect } from 'chai'

import { createTally } from '../../src/data/examples/example_counts.ts'
import type { ExampleCounts } from '../../src/data/examples/example_counts.ts'
import { dataAdvice, dataWarnings } from '../../src/report/data_advice.ts'
import { classTable, dataTable } from '../../src/report/data_table.ts'

const none: ExampleCounts = createTally(8).counts()
const train: ExampleCounts = {
  ...none,
  ...{ examples: 1200, tokens: 34_000, labelledTokens: 9000, longest: 60 },
  lengths: { p50: 20, p90: 40, p99: 55, p100: 60 },
}

describe('report/data_table', () => {
  it('has a line a split', () => {
    const lines = dataTable({ train, validation: none }).trimEnd().split('\n')
    expect(lines.map((line) => line.split(/\s{2,}/))).to.deep.equal([
      ['', 'examples', 'tokens', 'with loss', 'truncated', 'skipped', 'length p50', 'p90', 'p99', 'max'],
      ['train', '1,200', '34,000', '9,000', '0', '0', '20', '40', '55', '60'],
      ['validation', '0', '0', '0', '0', '0', '0', '0', '0', '0'],
    ])
  })

  it('counts pairs where there are pairs', () => {
    expect(dataTable({ train }, { pairs: true })).to.match(/^ +pairs +tokens/)
  })

  it('counts no labelled tokens where classes are learned, but the classes', () => {
    const splits = { train: { ...train, classCounts: [900, 300] }, test: { ...none, classCounts: [0, 0] } }
    expect(dataTable(splits)).to.not.include('with loss').and.not.include('9,000')
    const lines = classTable(splits, ['joy', 'fear']).trimEnd().split('\n')
    expect(lines.map((line) => line.split(/\s{2,}/))).to.deep.equal([
      ['class', 'train', 'share', 'test', 'share'],
      ['joy', '900', '75.0 %', '0', '0.0 %'],
      ['fear', '300', '25.0 %', '0', '0.0 %'],
    ])
  })
})

describe('report/data_table of very many classes', () => {
  it('has a line for those with the most examples', () => {
    const counts = Array.from({ length: 60 }, (_, i) => i)
    const splits = { train: { ...train, classCounts: counts } }
    const lines = classTable(
      splits,
      counts.map((i) => `class ${i}`),
    )
      .trimEnd()
      .split('\n')
    expect(lines).to.have.length(22)
    expect(lines[1]).to.match(/^class 59 +59 /)
    expect(lines[20]).to.match(/^class 40 +40 /)
    expect(lines[21]).to.equal('and 40 classes more, of fewer examples')
  })
})

describe('report/data_advice', () => {
  const cut = { ...train, truncated: 7, cutTokens: 1234, longest: 90 }

  it('says nothing where nothing is lost', () => {
    expect(dataAdvice({ train, validation: none }, 60, 128)).to.equal('')
  })

  it('says what is cut, and which length would do', () => {
    const lost = '9 of 1,300 examples are longer than 60 tokens and lose their end, 1,244 tokens together: '
    const validation = { ...none, examples: 100, truncated: 2, cutTokens: 10, longest: 70 }
    const advice = (context: number) => dataAdvice({ train: cut, validation }, 60, context)
    expect(advice(128)).to.equal(`${lost}max_length=90 keeps all.\n`)
    expect(advice(80)).to.equal(`${lost}max_length=80 keeps more.\n`)
    expect(advice(60)).to.equal(`${lost}the model reads 60 tokens at most, so shorten the texts.\n`)
  })

  it('says what is left out, and why', () => {
    expect(dataAdvice({ train: { ...train, skipped: 3, overlong: 2, empty: 1 } }, 60, 128)).to.equal(
      '2 rows are left out because the prompt fills 60 tokens: raise max_length (up to 128), or shorten it.\n' +
        '1 row is left out because there is nothing to learn: fill the empty columns, or remove the rows.\n',
    )
    const tied = (counts: Partial<ExampleCounts>) =>
      dataAdvice({ train: { ...train, tie: 2, ...counts } }, 60, 128, { pairs: true })
    expect(tied({})).to.equal(
      '2 rows are left out because both answers are the same: remove the rows, or make the answers differ.\n',
    )
    expect(tied({ truncated: 1, cutTokens: 5 })).to.match(
      /^1 of 1,200 pairs are longer than .*\n2 rows are left out because both answers are the same, perhaps once they are cut: /,
    )
    expect(dataAdvice({ train: { ...train, overlong: 1 } }, 128, 128)).to.match(
      /^1 row is .* shorten the texts\.\n$/,
    )
  })
})

describe('report/data_warnings', () => {
  const report = { fingerprint: '', classes: [], pairs: false, prompts: false }
  const of = (validation: Partial<ExampleCounts>, classes: readonly string[] = [], metric = 'eval_loss') =>
    dataWarnings({ ...report, classes, splits: { train, validation: { ...none, ...validation } } }, metric)

  it('says nothing of a validation that tells enough', () => {
    expect(of({ examples: 25 })).to.deep.equal([])
    expect(of({ examples: 30, classCounts: [15, 15] }, ['a', 'b'])).to.deep.equal([])
    expect(dataWarnings({ ...report, splits: { train } }, 'eval_loss')).to.deep.equal([])
  })

  it('says that validation is small, or lacks classes', () => {
    expect(of({ examples: 4 })).to.deep.equal([
      'Warning: of the examples validation has 4, too few to choose a checkpoint by, as eval_loss of so few is largely chance; validate on a larger share, or add rows.\n',
    ])
    for (const metric of ['eval_reward', 'eval_margin'])
      expect(of({ examples: 4 }, [], metric)[0]).to.include(`as ${metric} of so few is`)
    for (const share of ['eval_accuracy', 'eval_rewards/accuracies'])
      expect(of({ examples: 4 }, [], share)).to.deep.equal([
        `Warning: of the examples validation has 4, too few to choose a checkpoint by, as ${share} among so few has a standard error of up to 0.25; validate on a larger share, or add rows.\n`,
      ])
    expect(of({ examples: 40, classCounts: [40, 0, 0] }, ['a', 'b', 'c'])).to.deep.equal([
      'Warning: validation has no example of b, c, so that nothing tells how well that is learned; validate on a larger share, or add rows.\n',
    ])
  })

  it('counts odd rows, and names the first', () => {
    expect(of({ examples: 30, odd: 2, firstOdd: 'a.jsonl, row 3: what \u001b[31m is wrong' })[0]).to.match(
      /^Warning: 2 rows are left out for not fitting the template; the first: a\.jsonl, row 3: what .* is wrong\.\n$/,
    )
  })
})
