import { expect } from 'chai'
import fc from 'fast-check'

import { readTensors } from '../../src/formats/safetensors.ts'
import type { SamplingOptions } from '../../src/generation/sampling.ts'
import {
  argmax,
  greedy,
  nextToken,
  penaliseRepetition,
  samplingDistribution,
} from '../../src/generation/sampling.ts'
import type { Random } from '../../src/random.ts'
import { createRandom } from '../../src/random.ts'
import { fixture, largestDifference, readFixture } from '../graphs/gpt2_fixtures.ts'

interface Stored extends Pick<SamplingOptions, 'temperature' | 'top_k' | 'top_p' | 'repetition_penalty'> {
  readonly previous_tokens: readonly number[]
}

/** A stream whose next uniform number is this one. */
const fixed = (uniform: number): Random => ({ ...createRandom('unused'), uniform: () => uniform })

/** The same by definition: a sorted vocabulary, cut after the k-th and where the mass is reached. */
function bySorting(
  logits: Float32Array,
  { temperature, top_k, top_p }: Pick<SamplingOptions, 'temperature' | 'top_k' | 'top_p'>,
): Float32Array {
  const sorted = logits.toSorted().reverse()
  const lowest = top_k > 0 && top_k < logits.length ? sorted[top_k - 1]! : -Infinity
  const weights = logits.map((x) => (x < lowest ? 0 : Math.exp((x - sorted[0]!) / temperature)))
  const mass = top_p * weights.reduce((sum, weight) => sum + weight, 0)
  const order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]! || a - b)
  let held = 0
  for (const token of top_p < 1 ? order : []) {
    if (held >= mass) weights[token] = 0
    held += weights[token]!
  }
  const kept = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / kept)
}

const sampling: SamplingOptions = { ...greedy, do_sample: true }

describe('sampling', () => {
  it("has transformers' distribution after penalty, temperature, top-k and top-p", async () => {
    const cases = await readFixture<Stored[]>('sampling.json')
    const stored = await readTensors(fixture('sampling.safetensors'))
    const [logits, probabilities] = [stored.get('logits')!, stored.get('probabilities')!]
    const width = logits.shape[1]!
    expect(cases.length).to.equal(logits.shape[0])
    cases.forEach((options, row) => {
      const scores = logits.data.slice(row * width, (row + 1) * width)
      penaliseRepetition(scores, options.previous_tokens, options.repetition_penalty)
      const expected = probabilities.data.subarray(row * width, (row + 1) * width)
      const got = samplingDistribution(scores, options)
      expect(largestDifference(got, expected), JSON.stringify(options)).to.be.at.most(1e-5)
      expect(
        [...got].map((p) => p > 0),
        'which tokens are kept',
      ).to.deep.equal([...expected].map((p) => p > 0))
    })
  })

  it('draws each token as often as its probability says', () => {
    const logits = Float32Array.of(1, -1, 0.5, -Infinity, 2)
    const expected = samplingDistribution(logits, sampling)
    const draws = 2000
    const counts = new Array<number>(logits.length).fill(0)
    // Every 1/2000th of the unit interval in turn: counts are exact to one draw per boundary.
    for (let i = 0; i < draws; i++)
      counts[nextToken(logits.slice(), [], sampling, fixed((i + 0.5) / draws))]!++
    counts.forEach((count, token) => expect(count / draws).to.be.closeTo(expected[token]!, 2 / draws))
    expect(counts[3]).to.equal(0)
  })

  it('never draws a token that was cut, whatever the rounding of the sum', () => {
    const logits = Float32Array.from({ length: 50 }, (_, i) => Math.sin(i))
    const options = { ...sampling, top_k: 3 }
    const kept = samplingDistribution(logits, options)
    for (const uniform of [0, 1e-17, 0.5, 1 - 2 ** -53])
      expect(kept[nextToken(logits.slice(), [], options, fixed(uniform))]).to.be.greaterThan(0)
  })

  it('keeps at least the likeliest token', () => {
    const logits = Float32Array.of(0, 3, 1)
    for (const cut of [{ top_k: 1 }, { top_p: 1e-9 }, { temperature: 1e-3 }])
      expect([...samplingDistribution(logits, { ...sampling, ...cut })]).to.deep.equal([0, 1, 0])
    expect([...samplingDistribution(logits, { ...sampling, top_k: 99 })]).to.deep.equal([
      ...samplingDistribution(logits, sampling),
    ])
  })

  it('keeps what sorting the whole vocabulary would keep, equal logits and infinite ones among them', () => {
    const logit = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.float({ min: -60, max: 60, noNaN: true }),
      fc.constant(-Infinity),
    )
    const options = fc.record({
      temperature: fc.constantFrom(0.1, 0.7, 1, 3),
      top_k: fc.integer({ min: 0, max: 12 }),
      top_p: fc.constantFrom(1e-9, 0.3, 0.9, 0.999, 1),
    })
    fc.assert(
      fc.property(fc.array(logit, { maxLength: 60 }), options, (others, given) => {
        const logits = Float32Array.of(0, ...others)
        expect([...samplingDistribution(logits, given)]).to.deep.equal([...bySorting(logits, given)])
      }),
      { numRuns: 500 },
    )
  })

  it('takes the likeliest token, the first of equals, when it does not sample', () => {
    expect(argmax(Float32Array.of(-5, 2, 7, 7))).to.equal(2)
    const options = { ...greedy, temperature: 0, top_k: 1, top_p: 0.1 }
    expect(nextToken(Float32Array.of(1, 4, 2), [], options, fixed(0.99))).to.equal(1)
  })

  it('penalises a token once however often it occurred, towards less likely on either side of 0', () => {
    const logits = Float32Array.of(4, -4, 1)
    penaliseRepetition(logits, [0, 0, 1], 2)
    expect([...logits]).to.deep.equal([2, -8, 1])
    expect(
      nextToken(Float32Array.of(4, -4, 3), [0], { ...greedy, repetition_penalty: 2 }, fixed(0)),
    ).to.equal(2)
  })
})
