import { expect } from 'chai'

import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { kindNamed } from '../../src/data/kinds/index.ts'
import { detectTemplate } from '../../src/data/templates/forms.ts'
import { openModelFolder, writeModelFolder } from '../../src/formats/model_folder.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { openGraph } from '../../src/models/open_graph.ts'
import { createRandom } from '../../src/random.ts'
import type { Feeds, Session } from '../../src/runtime/session.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { seededWeights } from '../../src/runs/initialise.ts'
import { withFolder } from '../data/helpers.ts'
import type { FixtureBatch } from '../graphs/gpt2_fixtures.ts'
import {
  fixture,
  fixtureModel,
  largestDifference,
  numbersOf,
  otherPads,
  readFixture,
  trainingFeeds,
} from '../graphs/gpt2_fixtures.ts'
import { tinyConfig } from '../tiny_model.ts'

const config = { ...tinyConfig, n_positions: 160 }
const columns = ['instruction', 'context', 'response', 'category']
const rows = [
  { instruction: 'Who was the first?', context: 'The first was Ada.', response: 'Ada.', category: 'qa' },
  { instruction: 'Name two colours.', context: '', response: 'Red, and a dark green.', category: 'list' },
  {
    instruction: 'Say why.',
    context: '',
    response: 'Because it is so.\n\n### Response: no',
    category: 'open',
  },
]

/** Every kind of adapter but those of the projections out of the attention. */
const lora: LoraConfig = { r: 2, lora_alpha: 4, target_modules: ['c_attn', 'mlp.c_fc', 'mlp.c_proj'] }

/** Adapters that act. */
function adapterTensors(): Map<string, FloatTensor> {
  const { normal } = createRandom('adapters')
  const shapes = languageModelTrainable({ config, lora, stored: new Map() })
  return new Map(
    [...shapes].map(([name, shape]) => {
      const length = sizeOf(shape)
      return [name, { shape, data: Float32Array.from({ length }, () => 0.2 * normal()) }]
    }),
  )
}

/** Dolly's rows through the template of their columns and the model's tokenizer. */
function encodeRows(tokenizer: Tokenizer): EncodedExample[] {
  const template = detectTemplate(columns, 'sft')!
  const encode = kindNamed('sft').encoder(tokenizer, template, { maxLength: config.n_positions, classes: [] })
  return rows.flatMap((row, i) => encode(row, `row ${i + 1}`).map(({ example }) => example!))
}

const firstLearned = ({ labels }: EncodedExample): number => labels.findIndex((label) => label !== NO_LOSS)

/** The batch with another token wherever `changes` says so of an example's position. */
function otherTokens(
  feeds: Feeds,
  examples: readonly EncodedExample[],
  changes: (example: EncodedExample, t: number) => boolean,
): Feeds {
  const { dims, data, dtype } = feeds['input_ids']!
  const ids = BigInt64Array.from(data as BigInt64Array)
  examples.forEach((example, b) =>
    example.input_ids.forEach((id, t) => {
      if (changes(example, t)) ids[b * dims[1]! + t] = BigInt((id + 1 + 5 * t) % config.vocab_size)
    }),
  )
  return { ...feeds, input_ids: { dims, data: ids, dtype } }
}

describe('tokens that carry no loss', () => {
  for (const kind of ['full', 'lora'] as const) {
    // Where the attention's projections are zero, a token acts at its own position alone.
    it(`pads, prompt and headings leave the loss and every gradient as they are, ${kind}`, async () => {
      await withFolder(async (folder) => {
        const weights = seededWeights(config, 1)
        for (const [name, { data }] of weights) if (name.includes('attn.c_proj')) data.fill(0)
        const tokenizerFiles = await gpt2TokenizerFiles(config.vocab_size - 257)
        await writeModelFolder(folder, { config, tensors: weights, tokenizerFiles })
        const tokenizer = await loadTokenizer(folder)
        const examples = encodeRows(tokenizer)
        examples.forEach(({ input_ids, labels }, i) => {
          const learned = [...labels].filter((label) => label !== NO_LOSS)
          expect(tokenizer.decode(learned)).to.equal(` ${rows[i]!.response}<|endoftext|>`)
          expect(tokenizer.decode([...input_ids])).to.match(/^### Instruction: [^]*\n\n### Response: /)
        })

        const trained = kind === 'full' ? weights : adapterTensors()
        const { session } = await openGraph(
          folder,
          await openModelFolder(folder),
          (stored) => sftTrainingGraph({ config, lora: kind === 'full' ? 'full' : lora, stored: stored! }),
          nodeRuntime(),
        )
        const scale = kind === 'full' ? {} : loraScale(2)
        const run = async (feeds: Feeds) =>
          numbersOf(await session.run({ ...feeds, ...tensorFeeds(trained), ...scale }))
        const feeds = collate(
          examples.map((example) => [example]),
          { total: totalLabelled(examples) },
        )
        const before = await run(feeds)

        // The last token of the prompt is where the response's first token is predicted.
        const given = otherTokens(feeds, examples, (example, t) => t < firstLearned(example) - 1)
        const after = await run(otherPads(given, config.vocab_size))
        const changed = Object.keys(before).filter(
          (name) => largestDifference(after[name]!, before[name]!) !== 0,
        )
        // A zero projection still has a gradient: what it would let through if it were not zero.
        const projections = Array.from(
          { length: config.n_layer },
          (_, layer) => `transformer.h.${layer}.attn.c_proj.weight_grad`,
        )
        expect(changed).to.deep.equal(kind === 'full' ? projections : [])

        const moved = await run(otherTokens(feeds, examples, (example, t) => t === firstLearned(example)))
        const last = await run(otherTokens(feeds, examples, (example, t) => t === firstLearned(example) - 1))
        for (const other of [moved, last]) {
          // Nothing comes back through a zero projection to the attention's other weights.
          const acting = Object.keys(before).filter(
            (name) => largestDifference(other[name]!, before[name]!) > 0,
          )
          const isStill = (name: string) => /\.(ln_1|c_attn)\./.test(name)
          expect(acting).to.deep.equal(Object.keys(before).filter((name) => !isStill(name)))
        }
        await session.release()
      })
    })
  }

  for (const side of ['right', 'left'] as const) {
    it(`pads on the ${side} leave a model with attention as it is`, async () => {
      const model = await fixtureModel()
      const batches = await readFixture<Record<'right' | 'left', FixtureBatch>>('batches.json')
      const feeds = trainingFeeds(batches[side])
      const { tensors, ...adapter } = await readPeftAdapter(fixture('lora', 'everywhere'))
      const cases: [Session, Feeds][] = [
        [
          await model.open(sftTrainingGraph(model)),
          tensorFeeds(await readTensors(fixture('model', 'model.safetensors'))),
        ],
        [
          await model.open(sftTrainingGraph({ ...model, lora: adapter })),
          { ...tensorFeeds(tensors), ...loraScale(adapter.lora_alpha / adapter.r) },
        ],
      ]
      for (const [session, trained] of cases) {
        const before = numbersOf(await session.run({ ...feeds, ...trained }))
        const other = otherPads(feeds, model.config.vocab_size)
        const after = numbersOf(await session.run({ ...other, ...trained }))
        for (const [name, values] of Object.entries(before))
          expect(largestDifference(after[name]!, values), name).to.equal(0)
        await session.release()
      }
    })
  }
})
