import { expect } from 'chai'

import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import type { Fact } from '../../tools/editing/facts.ts'
import { distance } from '../../tools/editing/distance.ts'
import { meanDivergence } from '../../tools/editing/distributions.ts'
import { COLUMNS, groupsOf, meanIn } from '../../tools/editing/means.ts'
import type { Row } from '../../tools/editing/means.ts'
import { measuring } from '../../tools/editing/measures.ts'
import type { Bench } from '../../tools/editing/method.ts'
import type { MethodName } from '../../tools/editing/methods.ts'
import { METHOD_NAMES, methods } from '../../tools/editing/methods.ts'
import { neighboursAmong } from '../../tools/editing/neighbours.ts'
import { picture } from '../../tools/editing/picture.ts'
import { answer, asExample, inContext, joined, prompt, text } from '../../tools/editing/prompts.ts'
import { takeSteps } from '../../tools/editing/stepping.ts'
import { taught } from '../../tools/editing/stream.ts'
import { tables } from '../../tools/editing/tables.ts'
import { knownFacts, taughtFacts, withTinyBench } from './tiny_bench.ts'

/** Rows of a method on the tiny model, after one text and after two. */
async function rowsOf(bench: Bench, name: MethodName, facts: readonly Fact[] = taughtFacts): Promise<Row[]> {
  const { all } = measuring({
    ...{ model: bench.model, heldOut: [knownFacts[2]!], most: 2 },
    neighbours: neighboursAmong(knownFacts),
  })
  const method = methods[name]
  const strength = method.strength?.chosen ?? 1
  const rows: Row[] = []
  for await (const row of taught(bench, facts, all, { name, method, strength, seed: 1, counts: [1, 2] }))
    rows.push(row)
  return rows
}

describe('editing', function () {
  this.timeout(120_000)

  it('gives a row with every column after each count of texts, by every method, and draws them', () =>
    withTinyBench(async (bench) => {
      const rows: Row[] = []
      for (const name of METHOD_NAMES) rows.push(...(await rowsOf(bench, name)))
      expect(rows.map(({ method, texts }) => `${method} ${texts}`)).to.deep.equal(
        METHOD_NAMES.flatMap((name) => [`${name} 1`, `${name} 2`]),
      )
      for (const row of rows) {
        for (const column of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[])
          expect(row[column], `${row.method} ${column}`).to.satisfy(Number.isFinite)
        const moves = !['in_prompt', 'nothing'].includes(row.method)
        expect(row.distance > 0, row.method).to.equal(moves)
      }
      const svg = await picture(rows)
      for (const name of METHOD_NAMES) {
        expect(tables(rows).split(`| ${methods[name].label} |`)).to.have.length(3)
        expect(svg).to.include(methods[name].label)
      }
    }))

  it('by steps makes a text likelier, also where the plastic update is alone; a rate of 0 changes nothing', () =>
    withTinyBench(async (bench) => {
      const { model } = bench
      const fact = taughtFacts[0]!
      const example = asExample(model.tokenizer, prompt(fact), answer(fact))
      const gain = async (name: MethodName, strength: number) => {
        const method = methods[name]
        await model.begin(await method.begins(bench, 1))
        const [before] = await model.logProbabilities([example])
        await method.teaching(bench, strength, 1)(fact, 1)
        const [after] = await model.logProbabilities([example])
        return after! - before!
      }
      expect(await gain('lora', 1e-2)).to.be.greaterThan(1)
      expect(await gain('plastic_alone', 1)).to.be.greaterThan(0)
      expect(await gain('plastic_alone', 0)).to.equal(0)
      expect(await gain('lora', 0)).to.equal(0)
    }))

  it('by phase 3 adds up to what the texts fold together', () =>
    withTinyBench(async (bench) => {
      const { model, consolidator } = bench
      const method = methods.consolidation
      await model.begin(await method.begins(bench, 1))
      const teach = method.teaching(bench, 1, 1)
      for (const [i, fact] of taughtFacts.entries()) await teach(fact, i + 1)
      const together = await consolidator.consolidate(
        taughtFacts.map((fact) => encodeText(model.tokenizer, text(fact))),
      )
      for (const [name, { data }] of await model.snapshot()) {
        const wanted = together.tensors.get(name)!.data
        data.forEach((value, i) => expect(value).to.be.closeTo(wanted[i]!, 1e-5))
      }
    }))

  it('with the text in the prompt changes no weight, no neighbour and no perplexity', () =>
    withTinyBench(async (bench) => {
      const [, last] = await rowsOf(bench, 'in_prompt')
      expect(last).to.include({ distance: 0, neighbours_kept: 1, neighbours_nats: 0, neighbours_kl: 0 })
      expect(last!.perplexity_ratio).to.equal(1)
      expect(last!.retention).to.not.equal(0)
    }))

  it('by context distillation comes closer to the model that has the text before it', () =>
    withTinyBench(async ({ model, ...bench }) => {
      const fact = taughtFacts[0]!
      const [question, informed] = [prompt(fact), inContext(fact) + prompt(fact)].map((asked) =>
        encodeText(model.tokenizer, asked),
      ) as [number[], number[]]
      const tokens = encodeText(model.tokenizer, answer(fact))
      const [teacher] = await model.expects([joined(informed, tokens)], true)
      const away = async () => {
        const [student] = await model.expects([joined(question, tokens)])
        return meanDivergence(teacher!, student!, tokens.length)
      }
      const method = methods.distillation
      await model.begin(await method.begins({ model, ...bench }, 1))
      const before = await away()
      expect(await model.distil([joined(question, tokens)], teacher!)).to.be.closeTo(before, 1e-4)
      await method.teaching({ model, ...bench }, 1e-2, 1)(fact, 1)
      expect(await away()).to.be.lessThan(before)
      await takeSteps(model, { learningRate: 1e-2 }, () => model.distil([joined(question, tokens)], teacher!))
      expect(await away()).to.be.lessThan(before * 0.9)
    }))

  it('measures ‖ΔW‖ as the product of the adapter does', () => {
    const a = { shape: [2, 3], data: Float32Array.of(1, 2, 3, -1, 0, 2) }
    const b = { shape: [2, 2], data: Float32Array.of(1, -2, 0.5, 3) }
    // B·A = [[3, 2, −1], [−2.5, 1, 7.5]], of two modules, times 2
    const squares = 2 * (9 + 4 + 1 + 6.25 + 1 + 56.25)
    const tensors = new Map(
      ['x', 'y'].flatMap((name) => [
        [`${name}.lora_A.weight`, a] as const,
        [`${name}.lora_B.weight`, b] as const,
      ]),
    )
    expect(distance(tensors, 2)).to.be.closeTo(2 * Math.sqrt(squares), 1e-9)
  })

  it('takes the geometric mean of perplexity ratios over streams, and the mean of all else', () => {
    const row = (perplexity_ratio: number, retention: number) =>
      ({ method: 'lora', texts: 1, perplexity_ratio, retention }) as Row
    const [group] = groupsOf([row(1, 2), row(4, 4)])
    expect(meanIn(group!, 'perplexity_ratio')).to.be.closeTo(2, 1e-12)
    expect(meanIn(group!, 'retention')).to.equal(3)
  })
})
