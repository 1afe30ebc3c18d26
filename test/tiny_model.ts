/**
 * A GPT-2 small enough for tests: random weights, and GPT-2's own tokenizer cut to its first merges.
 * @module
 */
import { writeFile } from 'node:fs/promises'

import { sizeOf } from '../graphs/ir/shape.ts'
import type { Gpt2Config } from '../graphs/models/gpt2.ts'
import { gpt2ParameterShapes } from '../graphs/models/gpt2.ts'
import type { LoraConfig } from '../graphs/models/lora_config.ts'
import { loraParameterShapes } from '../graphs/models/lora_config.ts'
import { parseGpt2Config } from '../src/formats/families/gpt2.ts'
import { writeModelFolder } from '../src/formats/model_folder.ts'
import type { PeftAdapter } from '../src/formats/peft.ts'
import { writePeftAdapter } from '../src/formats/peft.ts'
import { createRandom } from '../src/random.ts'
import { gpt2TokenizerFiles } from '../src/formats/gpt2_tokenizer.ts'
import { seededWeights } from '../src/runs/initialise.ts'

const END_OF_TEXT = 511

/** The weights spread widely, so that the model's choices are clear and vary. */
export const tinyConfig: Gpt2Config = parseGpt2Config(
  {
    n_layer: 2,
    n_head: 2,
    n_embd: 32,
    n_positions: 64,
    vocab_size: 512,
    bos_token_id: END_OF_TEXT,
    eos_token_id: END_OF_TEXT,
    initializer_range: 0.2,
  },
  'the tiny configuration',
)

type Weights = ReturnType<typeof seededWeights>

/** What each model is made of, made once: the tokenizer's files, and the weights by their seed. */
let tokenizer: Promise<Readonly<Record<string, string>>> | undefined
const drawn = new Map<number, Weights>()

function weights(seed: number): Weights {
  const before = drawn.get(seed)
  if (before) return before
  const tensors = seededWeights(tinyConfig, seed)
  // A long embedding makes the end of text likely enough to occur.
  const embeddings = tensors.get('transformer.wte.weight')!.data
  for (let i = END_OF_TEXT * tinyConfig.n_embd; i < embeddings.length; i++) embeddings[i]! *= 3
  drawn.set(seed, tensors)
  return tensors
}

/** Writes the model's folder. */
export async function writeTinyModel(folder: string, seed = 1): Promise<void> {
  const tokenizerFiles = await (tokenizer ??= gpt2TokenizerFiles(tinyConfig.vocab_size - 257))
  await writeModelFolder(folder, { config: tinyConfig, tensors: weights(seed), tokenizerFiles })
}

export const tinyLora: LoraConfig = { r: 4, lora_alpha: 8, target_modules: ['c_attn', 'attn.c_proj'] }

/** An adapter that changes the model a good deal, as after training. */
export function tinyAdapter(seed = 1): PeftAdapter {
  const shapes = loraParameterShapes(gpt2ParameterShapes(tinyConfig), tinyLora)
  const random = createRandom(seed, 'tiny adapter')
  const tensors = new Map(
    [...shapes].map(([name, shape]) => {
      const length = sizeOf(shape)
      return [name, { shape, data: Float32Array.from({ length }, () => 0.3 * random.normal()) }]
    }),
  )
  return { ...tinyLora, baseModel: null, tensors }
}

/** Writes `tinyAdapter` as PEFT does. */
export const writeTinyAdapter = (folder: string, seed = 1): Promise<void> =>
  writePeftAdapter(folder, tinyAdapter(seed))

/** Rows of words and definitions, with a split column. */
export async function writeWords(path: string): Promise<void> {
  const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird', 'house', 'car', 'pen', 'lamp']
  const rows = words.map((word, i) => `${word},a kind of thing number ${i},${i < 8 ? 'train' : 'validation'}`)
  await writeFile(path, `word,definition,split\n${rows.join('\n')}\n`)
}
