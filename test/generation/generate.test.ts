import { expect } from 'chai'

import { factsOf } from '../../graphs/models/family.ts'
import { decodingGraph, inferenceGraph } from '../../graphs/inference/generation.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { UserError } from '../../src/errors.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Decoder } from '../../src/generation/decoder.ts'
import { createDecoder } from '../../src/generation/decoder.ts'
import type { GenerationOptions } from '../../src/generation/generate.ts'
import { generate } from '../../src/generation/generate.ts'
import { argmax, greedy } from '../../src/generation/sampling.ts'
import type { Session } from '../../src/runtime/session.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { seededWeights } from '../../src/runs/initialise.ts'
import type { FixtureModel } from '../graphs/gpt2_fixtures.ts'
import { fixture, fixtureModel, inferenceFeeds, readFixture } from '../graphs/gpt2_fixtures.ts'
import { rejection } from '../rejection.ts'

interface Stored {
  readonly new_tokens: number
  readonly prompts: readonly (readonly number[])[]
  readonly greedy: readonly (readonly number[])[]
  readonly repetition_penalty: number
  readonly greedy_with_repetition_penalty: readonly (readonly number[])[]
  readonly stop_token: number
  readonly greedy_with_stop_token: readonly (readonly number[])[]
}

describe('generation', () => {
  let model: FixtureModel
  let stored: Stored
  let decoder: Decoder
  let release: () => Promise<void>
  before(async () => {
    model = await fixtureModel()
    stored = await readFixture<Stored>('generation.json')
    const session = await model.open(decodingGraph(model))
    decoder = createDecoder(session, factsOf(model.config))
    release = () => session.release()
  })
  after(() => release())

  const run = (prompts: readonly (readonly number[])[], options: Partial<GenerationOptions> = {}) =>
    generate(decoder, prompts, model.config.n_positions, {
      ...greedy,
      max_new_tokens: stored.new_tokens,
      stop_tokens: [],
      seed: 1,
      ...options,
    })

  it("continues prompts of different lengths in one batch as transformers' generate does", async () => {
    expect(await run(stored.prompts)).to.deep.equal(stored.greedy)
  })

  it('continues each prompt alone alike', async () => {
    for (const [i, prompt] of stored.prompts.entries())
      expect(await run([prompt])).to.deep.equal([stored.greedy[i]])
  })

  it('penalises repetition alike, batched', async () => {
    const { repetition_penalty } = stored
    expect(await run(stored.prompts, { repetition_penalty })).to.deep.equal(
      stored.greedy_with_repetition_penalty,
    )
  })

  it('ends a sequence at a stop token, which is not part of it, and goes on with the others', async () => {
    const expected = stored.greedy_with_stop_token.map((row) =>
      row.filter((token) => token !== stored.stop_token),
    )
    expect(await run(stored.prompts, { stop_tokens: [95, stored.stop_token] })).to.deep.equal(expected)
  })

  it('gives a sample that depends on seed and row, and on no neighbour', async () => {
    const sampled = { do_sample: true, temperature: 1.5 }
    const batch = await run(stored.prompts, { ...sampled, seed: 7 })
    expect(await run(stored.prompts, { ...sampled, seed: 7 })).to.deep.equal(batch)
    expect(await run(stored.prompts, { ...sampled, seed: 8 })).not.to.deep.equal(batch)
    expect(await run(stored.prompts.slice(1), { ...sampled, seed: 7, firstRow: 1 })).to.deep.equal(
      batch.slice(1),
    )
    const same = await run([stored.prompts[0]!, stored.prompts[0]!], { ...sampled, seed: 7 })
    expect(same[0]).not.to.deep.equal(same[1])
  })

  it('reports every token as it comes', async () => {
    const heard: number[][] = [[], [], []]
    const onToken = (row: number, token: number) => heard[row]!.push(token)
    const result = await run(stored.prompts, { stop_tokens: [stored.stop_token], onToken })
    expect(heard).to.deep.equal(result)
  })

  it('generates nothing where nothing is asked for', async () => {
    expect(await run([])).to.deep.equal([])
    expect(await run(stored.prompts, { max_new_tokens: 0 })).to.deep.equal([[], [], []])
  })

  it('fills the context to the last position, and says when a prompt leaves too little of it', async () => {
    const prompt = Array.from({ length: 20 }, (_, i) => i)
    const [full] = await run([prompt], { max_new_tokens: 12 })
    expect(full!.length).to.equal(12)
    const error = await rejection(run([[1], prompt], { max_new_tokens: 13 }))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/^prompt 2 has 20 tokens and 13 new ones .* 32/)
    expect((await rejection(run([[]]))).message).to.match(/^prompt 1 is empty/)
  })

  it('takes adapters as inputs: scale 0 is the base model', async () => {
    const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'everywhere'))
    const session = await model.open(decodingGraph({ ...model, lora }))
    const options = { ...greedy, max_new_tokens: 12, stop_tokens: [], seed: 1 }
    const continued = (scale: number) =>
      generate(
        createDecoder(session, factsOf(model.config), { ...tensorFeeds(tensors), ...loraScale(scale) }),
        stored.prompts,
        32,
        options,
      )
    expect(await continued(0)).to.deep.equal(stored.greedy)
    expect(await continued(lora.lora_alpha / lora.r)).not.to.deep.equal(stored.greedy)
    await session.release()
  })

  it('reads a prompt once that comes several times, and leaves out what has ended', async () => {
    const session = await model.open(decodingGraph(model))
    const others: Session[] = []
    async function beside(graph: Uint8Array): Promise<Session> {
      others.push(await openNodeSession(graph))
      return others.at(-1)!
    }
    const prompts = [0, 1, 0, 2, 0].map((i) => stored.prompts[i]!)
    const options = { ...greedy, do_sample: true, temperature: 2, max_new_tokens: 20, seed: 2 }
    const stop_tokens = Array.from({ length: 16 }, (_, i) => 6 * i)
    const write = (decoder: Decoder, firstRow: number, some: readonly (readonly number[])[]) =>
      generate(decoder, some, model.config.n_positions, { ...options, stop_tokens, firstRow })
    const alone = createDecoder(session, factsOf(model.config))
    const each: number[][] = []
    for (const [row, prompt] of prompts.entries()) each.push(...(await write(alone, row, [prompt])))
    for (const device of [{}, { beside }]) {
      const sizes: number[] = []
      const run: Session['run'] = (feeds, into) => {
        sizes.push(feeds['input_ids']!.dims[0]!)
        return session.run(feeds, into)
      }
      const decoder = createDecoder({ ...session, ...device, run }, factsOf(model.config))
      expect(await write(decoder, 0, prompts)).to.deep.equal(each)
      // After the last token that is asked for nothing is computed.
      const longest = Math.min(options.max_new_tokens - 1, Math.max(...each.map(({ length }) => length)))
      const going = (count: number) => each.filter(({ length }) => length >= count).length
      expect(sizes).to.deep.equal([3, ...Array.from({ length: longest }, (_, i) => going(i + 1))])
      expect(new Set(sizes).size, 'rows end one after the other').to.be.greaterThan(3)
    }
    for (const opened of [session, ...others]) await opened.release()
  })

  it('stays right when the cache grows, with all parameters as inputs', async () => {
    const config = parseGpt2Config(
      { n_layer: 2, n_head: 2, n_embd: 16, n_positions: 200, vocab_size: 50, initializer_range: 0.3 },
      'config',
    )
    const parameters = tensorFeeds(seededWeights(config, 3))
    expect(Object.keys(parameters).length).to.equal(gpt2ParameterShapes(config).size)
    const session = await openNodeSession(serialize(decodingGraph({ config })))
    const others: Session[] = []
    async function beside(graph: Uint8Array): Promise<Session> {
      const other = await openNodeSession(graph)
      others.push(other)
      return other
    }
    const prompts = [
      [1, 2, 3],
      [4, 5, 6, 7, 8, 9, 10],
    ]
    const options = { ...greedy, max_new_tokens: 150, stop_tokens: [], seed: 1 }
    const continued = (opened: Session) =>
      generate(createDecoder(opened, factsOf(config), parameters), prompts, 200, options)
    const generated = await continued(session)
    // As where the cache lies in the memory of a device.
    expect(await continued({ ...session, beside })).to.deep.equal(generated)
    expect(others).to.have.lengthOf(1)
    for (const opened of [session, ...others]) await opened.release()

    const inference = await openNodeSession(serialize(inferenceGraph({ config })))
    for (const [row, prompt] of prompts.entries()) {
      const ids = [...prompt, ...generated[row]!]
      const every = (value: (t: number) => number) => [ids.map((_, t) => value(t))]
      const batch = {
        input_ids: [ids],
        attention_mask: every(() => 1),
        position_ids: every((t) => t),
        labels: [],
      }
      const { logits } = await inference.run({ ...inferenceFeeds(batch, config), ...parameters })
      const likeliest = ids.map((_, t) =>
        argmax((logits!.data as Float32Array).subarray(t * 50, (t + 1) * 50)),
      )
      expect(likeliest.slice(prompt.length - 1, -1)).to.deep.equal(generated[row])
    }
    await inference.release()
    expect(new Set(generated[0]).size, 'different tokens').to.be.greaterThan(3)
  })
})
