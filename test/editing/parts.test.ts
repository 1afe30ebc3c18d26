import { expect } from 'chai'

import { createRandom } from '../../src/random.ts'
import { chosen } from '../../tools/editing/choose.ts'
import { logProbability, meanDivergence } from '../../tools/editing/distributions.ts'
import { readFacts, shuffled } from '../../tools/editing/facts.ts'
import { METHOD_NAMES, methods } from '../../tools/editing/methods.ts'
import { less, meanOf, randomLike } from '../../tools/editing/modulations.ts'
import { neighboursAmong } from '../../tools/editing/neighbours.ts'
import { PARAPHRASES, prompt } from '../../tools/editing/prompts.ts'
import { countsOfStreams } from '../../tools/editing/stream.ts'
import { knownFacts, taughtFacts } from './tiny_bench.ts'

describe('what editing is made of', () => {
  it('has methods with labels of their own, each as strong as one of what it tried', () => {
    expect(new Set(METHOD_NAMES.map((name) => methods[name].label)).size).to.equal(METHOD_NAMES.length)
    for (const name of METHOD_NAMES) {
      const { strength } = methods[name]
      if (strength && strength.tried.length > 0) expect(strength.tried, name).to.include(strength.chosen)
    }
  })

  it('draws random modulations as long as the text’s own in each block', () => {
    const own = Float32Array.of(3, 4, 0, 0.1, 0, 0)
    const drawn = randomLike(own, 3, createRandom(1))
    expect(Math.hypot(...drawn.subarray(0, 3))).to.be.closeTo(5, 1e-6)
    expect(Math.hypot(...drawn.subarray(3))).to.be.closeTo(0.1, 1e-6)
    expect(Math.abs(drawn[0]! - 3)).to.be.greaterThan(0.01)
    expect([...randomLike(own, 3, createRandom(1))]).to.deep.equal([...drawn])
    expect([...randomLike(own, 3, createRandom(2))]).to.not.deep.equal([...drawn])
  })

  it('parts a modulation into what all texts have in common and its own', () => {
    const [a, b] = [Float32Array.of(1, 4), Float32Array.of(3, 0)]
    const mean = meanOf([a, b])
    expect([...mean]).to.deep.equal([2, 2])
    expect([...less(a, mean)]).to.deep.equal([-1, 2])
  })

  it('knows likelihood and divergence of logits', () => {
    const [p, q] = [Float32Array.of(0, Math.log(3), 5, 5), Float32Array.of(1, 1, 5, 5)]
    // ¼, ¾ and ½, ½; then ½, ½ and ½, ½
    expect(logProbability(p, [1, 0])).to.be.closeTo(Math.log(3 / 4) + Math.log(1 / 2), 1e-6)
    const kl = 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5)
    expect(meanDivergence(p, q, 2)).to.be.closeTo(kl / 2, 1e-6)
    expect(meanDivergence(p, p, 2)).to.equal(0)
  })

  it('finds a neighbour in spelling and one in meaning, of the same part of speech', () => {
    const near = neighboursAmong(knownFacts)
    expect(near(taughtFacts[0]!).map(({ word }) => word)).to.deep.equal(['dot', 'cat'])
    expect(near(taughtFacts[1]!).map(({ word }) => word)[1]).to.equal('lake')
  })

  it('asks for a fact in other words than it is taught with', () => {
    const fact = { word: 'able', partOfSpeech: 'adjective', definition: '' }
    const asked = PARAPHRASES.map((ask) => ask(fact))
    expect(asked).to.include('able, an adjective, is')
    expect(new Set([prompt(fact), ...asked]).size).to.equal(PARAPHRASES.length + 1)
  })

  it('teaches more streams of fewer texts, and one of very many', () => {
    const counts = countsOfStreams([1000, 1, 10, 100], 3)
    expect(counts[0]).to.deep.equal([1, 10, 100, 1000])
    expect(counts.slice(1, 3)).to.deep.equal([
      [1, 10, 100],
      [1, 10, 100],
    ])
    expect(counts.slice(3)).to.deep.equal(Array.from({ length: 9 }, () => [1]))
  })

  it('chooses the strength that teaches most of those that do little damage, or else that does least', () => {
    const tried = (retention: number, perplexity_ratio: number) => ({
      ...{ method: '', strength: retention, retention, perplexity_ratio },
    })
    expect(chosen([tried(1, 1), tried(3, 1.04), tried(9, 1.2)]).strength).to.equal(3)
    expect(chosen([tried(1, 1.3), tried(3, 1.1)]).strength).to.equal(3)
  })

  it('has a thousand facts to teach, of words that the model has no definition of', async function () {
    this.timeout(180_000)
    const { validation, test, heldOut, known } = await readFacts()
    expect(test.length).to.be.greaterThan(1000)
    const words = new Set(known.map(({ word }) => word))
    for (const { word } of [...validation, ...test, ...heldOut]) expect(words.has(word), word).to.equal(false)
    const asked = [...validation, ...test, ...heldOut].map(prompt)
    expect(new Set(asked).size).to.equal(asked.length)
    expect(shuffled(test, 1)).to.deep.equal(shuffled(test, 1))
    expect(shuffled(test, 1)).to.not.deep.equal(shuffled(test, 2))
  })
})
