import { expect } from 'chai'

import {
  classificationEvaluationGraph,
  classificationTrainingGraph,
  classifierGraph,
} from '../../graphs/tasks/classification.ts'
import { maskedAttention, paddingMask } from '../../graphs/layers/attention.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { bert, bertAttentionScale, bertPooled } from '../../graphs/models/bert.ts'
import type { BertConfig } from '../../graphs/models/bert.ts'
import { bertParameterShapes } from '../../graphs/models/bert.ts'
import { noAdapters } from '../../graphs/models/lora_config.ts'
import { frozenParameters } from '../../graphs/models/parameters.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import type { BertBatch, FixtureBert } from './bert_fixtures.ts'
import { adaptedBert, bertFeeds, bertFixture, fixtureBert, readBertFixture } from './bert_fixtures.ts'
import type { Adapted } from './classification_fixtures.ts'
import { ADAPTATIONS } from './classification_fixtures.ts'
import { largestDifference, numbersOf, otherPads, relativeDifference } from './gpt2_fixtures.ts'

const DROPOUT = 0.25

describe('BERT against transformers and PEFT', () => {
  let model: FixtureBert
  let batch: BertBatch & { readonly dropout_mask: readonly (readonly number[])[] }
  let expected: ReadonlyMap<string, FloatTensor>
  before(async () => {
    model = await fixtureBert()
    batch = await readBertFixture('batch.json')
    expected = await readTensors(bertFixture('outputs.safetensors'))
  })

  const withDropout = (fed: Feeds): Feeds => {
    const dims = [batch.labels.length, model.config.hidden_size]
    const data = Float32Array.from(batch.dropout_mask.flat())
    return { ...fed, dropout_mask: { dtype: 'float32', dims, data } satisfies HostTensor }
  }

  async function run(graph: Graph, fed: Feeds): Promise<Record<string, number[]>> {
    const session = await model.open(graph)
    const outputs = await session.run(fed)
    await session.release()
    return numbersOf(outputs)
  }

  /** Of the evaluation graph, with another configuration perhaps. */
  const logits = async ({ task, feeds }: Adapted, changes: Partial<BertConfig> = {}): Promise<number[]> => {
    const graph = classificationEvaluationGraph({ ...task, config: { ...model.config, ...changes } })
    return (await run(graph, { ...bertFeeds(batch, model.config), ...feeds }))['logits']!
  }

  it('has the hidden state of every token and the pooled output', async () => {
    const graph = new Graph('states')
    const input = (name: string) => graph.input(name, 'int64', ['batch', 'sequence'])
    const inputs = {
      input_ids: input('input_ids'),
      attention_mask: input('attention_mask'),
      token_type_ids: input('token_type_ids'),
    }
    const parameters = frozenParameters(graph, bertParameterShapes(model.config), model.stored)
    const hidden = bert(
      model.config,
      parameters,
      noAdapters,
      maskedAttention(bertAttentionScale(model.config), () => paddingMask(inputs.attention_mask, 'float32')),
      inputs,
    )
    graph.output('hidden', hidden)
    graph.output('pooled', bertPooled(hidden, inputs.attention_mask, parameters, noAdapters))
    const { input_ids, attention_mask, token_type_ids } = bertFeeds(batch, model.config)
    const got = await run(graph, {
      input_ids: input_ids!,
      attention_mask: attention_mask!,
      token_type_ids: token_type_ids!,
    })
    const mask = batch.attention_mask.flat()
    const real = got['hidden']!.map((value, i) => value * mask[Math.floor(i / model.config.hidden_size)]!)
    expect(largestDifference(real, expected.get('hidden')!.data)).to.be.at.most(1e-5)
    expect(largestDifference(got['pooled']!, expected.get('pooled')!.data)).to.be.at.most(1e-5)
  })

  it('has the logits of the model and with the adapter', async () => {
    for (const [name, lora] of [
      ['logits', 'full'],
      ['logits', 'none'],
      ['lora', 'lora'],
    ] as const) {
      const got = await logits(await adaptedBert(model, lora))
      expect(largestDifference(got, expected.get(name)!.data), `${name} from ${lora}`).to.be.at.most(1e-5)
    }
  })

  it('follows hidden_act', async () => {
    const setup = await adaptedBert(model, 'none')
    for (const hidden_act of ['relu', 'gelu_new'] as const) {
      const wanted = expected.get(hidden_act)!.data
      expect(largestDifference(await logits(setup, { hidden_act }), wanted), hidden_act).to.be.at.most(1e-5)
      expect(largestDifference(expected.get('logits')!.data, wanted), hidden_act).to.be.above(5e-5)
    }
  })

  it('works out token types from the separators, and they matter', async () => {
    const fed = bertFeeds(batch, model.config)
    expect(numbersOf(fed)['token_type_ids']).to.deep.equal(batch.token_type_ids.flat())
    const types = fed['token_type_ids']!
    const zeros = { ...types, data: new BigInt64Array(types.data.length) }
    const { task, feeds } = await adaptedBert(model, 'none')
    const graph = classificationEvaluationGraph(task)
    const got = (await run(graph, { ...fed, token_type_ids: zeros, ...feeds }))['logits']!
    const wanted = expected.get('logits')!.data
    // Rows 0 and 2 are single texts.
    expect(largestDifference(got.slice(0, 3), wanted.slice(0, 3))).to.be.at.most(1e-5)
    expect(largestDifference(got.slice(3, 6), wanted.slice(3, 6))).to.be.above(0.01)
  })

  it('takes all parts as one where it has one token type', async () => {
    const { task, feeds } = await adaptedBert(model, 'full')
    const name = 'bert.embeddings.token_type_embeddings.weight'
    const whole = feeds[name]!
    const width = whole.dims[1]!
    const first = { ...whole, dims: [1, width], data: (whole.data as Float32Array).slice(0, width) }
    const one = { ...task, config: { ...model.config, type_vocab_size: 1 } }
    const fed = bertFeeds(batch, model.config)
    const types = fed['token_type_ids']!
    const zeros = { ...types, data: new BigInt64Array(types.data.length) }
    const outputs = await run(classificationEvaluationGraph(one), { ...fed, ...feeds, [name]: first })
    const wanted = await run(classificationEvaluationGraph(task), { ...fed, token_type_ids: zeros, ...feeds })
    expect(outputs['logits']).to.deep.equal(wanted['logits'])
  })

  it('gives the same logits for inference, whole batches and single texts', async () => {
    for (const lora of ADAPTATIONS) {
      const setup = await adaptedBert(model, lora)
      const evaluated = await logits(setup)
      const { config, classes, pooling } = setup.task
      const adapter = typeof setup.task.lora === 'string' ? {} : { lora: setup.task.lora }
      const head = [...setup.tensors.keys()].filter((name) => name.startsWith('classifier.'))
      const stored = new Map([...model.stored].filter(([name]) => lora !== 'lora' || !head.includes(name)))
      const whole = { config, classes, pooling, ...adapter, stored: lora === 'full' ? undefined : stored }
      const session = await model.open(classifierGraph(whole))
      const infer = async (rows: BertBatch) => {
        const { input_ids, attention_mask, token_type_ids } = bertFeeds(rows, model.config)
        const fed = {
          input_ids: input_ids!,
          attention_mask: attention_mask!,
          token_type_ids: token_type_ids!,
        }
        return numbersOf(await session.run({ ...fed, ...(lora === 'none' ? {} : setup.feeds) }))['logits']!
      }
      expect(largestDifference(await infer(batch), evaluated), lora).to.be.at.most(5e-6)
      const single: number[] = []
      for (const b of batch.labels.keys()) single.push(...(await infer(rowOf(batch, b))))
      expect(largestDifference(single, evaluated), `${lora}, without padding`).to.be.at.most(5e-6)
      await session.release()
    }
  })

  it('has no use for pads: other ids there change neither loss nor any gradient', async () => {
    const fed = withDropout(bertFeeds(batch, model.config))
    const changed = otherPads(fed, model.config.vocab_size)
    expect(changed['input_ids']!.data).to.not.deep.equal(fed['input_ids']!.data)
    for (const lora of ADAPTATIONS) {
      const { task, feeds } = await adaptedBert(model, lora, DROPOUT)
      const graph = classificationTrainingGraph(task)
      const [before, after] = [
        await run(graph, { ...fed, ...feeds }),
        await run(graph, { ...changed, ...feeds }),
      ]
      for (const [name, values] of Object.entries(before))
        expect(largestDifference(after[name]!, values), `${lora}: ${name}`).to.equal(0)
    }
  })

  for (const name of ADAPTATIONS) {
    // The fixture of the adapter has dropout.
    const dropout = name === 'lora' ? DROPOUT : 0
    it(`has the loss and every gradient, ${name}`, async () => {
      const { task, feeds } = await adaptedBert(model, name, dropout)
      const fed = bertFeeds(batch, model.config)
      const got = await run(classificationTrainingGraph(task), {
        ...(dropout > 0 ? withDropout(fed) : fed),
        ...feeds,
      })
      const { loss } = await readBertFixture<{ loss: number }>('gradients', `${name}.json`)
      const gradients = await readTensors(bertFixture('gradients', `${name}.safetensors`))
      expect(got['loss']![0]).to.be.closeTo(loss, 5e-6)
      expect(gradients.size).to.equal(Object.keys(got).length - 1)
      for (const [key, { data }] of gradients) {
        const gradient = got[`${key.replace('base_model.model.', '')}_grad`]!
        // A key's bias moves all scores of a query alike, which the softmax does not see: both are rounding.
        if (key.endsWith('key.bias')) expect(largestDifference(gradient, data), key).to.be.at.most(1e-6)
        else expect(relativeDifference(gradient, data), key).to.be.at.most(1e-5)
      }
    })
  }
})

const rowOf = ({ input_ids, attention_mask, token_type_ids, labels }: BertBatch, b: number): BertBatch => {
  const real = (row: readonly number[]) => row.filter((_, t) => attention_mask[b]![t] === 1)
  return {
    input_ids: [real(input_ids[b]!)],
    attention_mask: [real(attention_mask[b]!)],
    token_type_ids: [real(token_type_ids[b]!)],
    labels: [labels[b]!],
  }
}
