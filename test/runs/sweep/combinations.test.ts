import { expect } from 'chai'

import { UserError } from '../../../src/errors.ts'
import { createRandom } from '../../../src/random.ts'
import { drawFrom, isRange, readAxis, splitAtCommas } from '../../../src/runs/sweep/axis.ts'
import { combinations } from '../../../src/runs/sweep/combinations.ts'

/** The values of an axis of listed ones. */
function listed(text: string): unknown[] {
  const axis = readAxis(text)
  if (isRange(axis)) throw new Error(`${text} is a range`)
  return axis.values.map(({ value }) => value)
}

const texts = (given: readonly string[], draws?: { count: number; seed: number }): string[] =>
  combinations(given.map(readAxis), draws).map((found) => found.map(({ text }) => text).join(' '))

describe('the values of a key of a sweep', () => {
  it('stand between commas outside brackets and quotes', () => {
    const cases: readonly [text: string, parts: string[]][] = [
      ['1e-4,3e-4', ['1e-4', '3e-4']],
      ['[c_attn],[c_attn,c_proj]', ['[c_attn]', '[c_attn,c_proj]']],
      ['{ r: 4, lora_alpha: 8 },full', ['{ r: 4, lora_alpha: 8 }', 'full']],
      [`"a, b",'c, d'`, ['"a, b"', `'c, d'`]],
      [`"a \\" , b",c`, ['"a \\" , b"', 'c']],
      ["don't,do", ["don't", 'do']],
      ["['a, b'],x", ["['a, b']", 'x']],
      ['{{ word | replace(",", "") }},{{ word }}', ['{{ word | replace(",", "") }}', '{{ word }}']],
      ['', ['']],
    ]
    for (const [text, parts] of cases) expect(splitAtCommas(text), text).to.deep.equal(parts)
  })

  it('are read as YAML, each once', () => {
    expect(listed('learning_rate=1e-4,0.0001,3e-4')).to.deep.equal([1e-4, 3e-4])
    expect(listed('lora.target_modules=[c_attn],[c_attn,c_proj],[c_attn]')).to.deep.equal([
      ['c_attn'],
      ['c_attn', 'c_proj'],
    ])
    expect(listed('packing=true,false')).to.deep.equal([true, false])
    expect(listed('max_length=null')).to.deep.equal([null])
  })

  it('may be a range, of whole numbers where the key is one', () => {
    expect(readAxis('learning_rate=log:1e-5:1e-3')).to.include({
      scale: 'log',
      low: 1e-5,
      high: 1e-3,
      whole: false,
    })
    expect(readAxis('lora.r=log:4:64')).to.include({ whole: true })
    expect(readAxis('max_length=lin:16:64')).to.include({ whole: true })
    expect(readAxis('data.0.split.validation=lin:0.1:0.5')).to.include({ whole: false })
  })

  for (const [text, says] of [
    ['learning_rate=log:1e-5', 'a range has a lower and a higher end'],
    ['learning_rate=log:1e-3:1e-5', 'a range has a lower and a higher end'],
    ['learning_rate=log:0:1e-5', 'begins above 0'],
    ['lora.r=lin:0.5:8', 'lora.r is a whole number'],
    ['seed=1,,2', 'a value is missing beside a comma'],
    ['seed', '"seed" is no override'],
  ] as const)
    it(`say what is wrong: ${text}`, () => {
      expect(() => readAxis(text)).to.throw(UserError, says)
    })

  it('are drawn uniformly from a range or its logarithms, with three digits', () => {
    const random = createRandom(1, 'test')
    const many = (text: string) => {
      const axis = readAxis(text)
      return Array.from({ length: 4000 }, () => drawFrom(axis, random).value as number)
    }
    const rates = many('learning_rate=log:1e-5:1e-3')
    expect(Math.min(...rates)).to.be.within(1e-5, 1.1e-5)
    expect(Math.max(...rates)).to.be.within(0.9e-3, 1e-3)
    // Half of them lie below the geometric mean; the share's standard deviation is 0.008.
    expect(rates.filter((rate) => rate < 1e-4).length / rates.length).to.be.closeTo(0.5, 0.03)
    expect(rates.every((rate) => Number(rate.toPrecision(3)) === rate)).to.equal(true)
    const ranks = many('lora.r=lin:1:4')
    for (const rank of [1, 2, 3, 4])
      expect(ranks.filter((other) => other === rank).length / ranks.length).to.be.closeTo(0.25, 0.03)
  })
})

describe('the combinations of a sweep', () => {
  it('are the whole grid, the last key running fastest', () => {
    expect(texts(['lora.r=4,8', 'seed=1,2'])).to.deep.equal([
      'lora.r=4 seed=1',
      'lora.r=4 seed=2',
      'lora.r=8 seed=1',
      'lora.r=8 seed=2',
    ])
  })

  it('are drawn, each once and with every seed; more draws begin alike', () => {
    const given = ['learning_rate=log:1e-5:1e-3', 'lora.r=4,8', 'seed=1,2,3']
    const few = texts(given, { count: 4, seed: 7 })
    expect(few).to.have.length(12)
    expect(new Set(few).size).to.equal(12)
    expect(few.map((text) => text.split('seed=')[1])).to.deep.equal(Array(4).fill(['1', '2', '3']).flat())
    expect(texts(given, { count: 9, seed: 7 }).slice(0, 12)).to.deep.equal(few)
    expect(texts(given, { count: 4, seed: 8 })).not.to.deep.equal(few)
  })

  it('are fewer than asked for where there are no more', () => {
    expect(texts(['lora.r=4,8', 'packing=true,false'], { count: 20, seed: 1 })).to.have.members([
      'lora.r=4 packing=true',
      'lora.r=4 packing=false',
      'lora.r=8 packing=true',
      'lora.r=8 packing=false',
    ])
  })

  it('are not endless', () => {
    expect(() => texts(['learning_rate=log:1e-5:1e-3'])).to.throw(
      UserError,
      'a range, which a grid has no end of',
    )
    const hundred = `seed=${Array.from({ length: 101 }, (_, n) => n).join()}`
    expect(() => texts([hundred, hundred.replaceAll('seed', 'warmup_steps')])).to.throw(
      UserError,
      '10,201 runs',
    )
  })
})
