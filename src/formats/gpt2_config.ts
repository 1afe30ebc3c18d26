/**
 * GPT-2's `config.json`, as transformers writes it.
 * @module
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'

import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2Activations } from '../../graphs/models/gpt2_config.ts'
import { UserError } from '../errors.ts'
import { quote } from './quote.ts'
import { readJson } from './read_file.ts'
import { checkJson } from './schema.ts'

export const size = (largest: number) => z.int().min(1).max(largest)
const tokenId = z.int().min(0).nullable().default(null)
/** Keys that change the computation in a way the graphs here do not follow, and the only value they may have. */
export const off = z.literal(false, 'only false is supported').optional()

const schema = z
  .looseObject({
    n_layer: size(1024),
    n_head: size(1024),
    n_embd: size(2 ** 16),
    n_positions: size(2 ** 20),
    vocab_size: size(2 ** 22),
    n_inner: size(2 ** 20)
      .nullable()
      .default(null),
    activation_function: z.enum(gpt2Activations).default('gelu_new'),
    layer_norm_epsilon: z.number().positive().max(1).default(1e-5),
    tie_word_embeddings: z.boolean().default(true),
    scale_attn_weights: z.boolean().default(true),
    bos_token_id: tokenId,
    eos_token_id: tokenId,
    initializer_range: z.number().positive().max(10).default(0.02),
    scale_attn_by_inverse_layer_idx: off,
    add_cross_attention: off,
  })
  .refine((config) => config.n_embd % config.n_head === 0, {
    path: ['n_embd'],
    error: ({ input }) => {
      const { n_embd, n_head } = input as Gpt2Config
      return `${n_embd} does not divide into n_head = ${n_head} equal parts`
    },
  })

/**
 * Reads a GPT-2 configuration: `path` is a model folder or a `config.json` itself. What the type does not name is kept
 * at run time, to be written again.
 * @throws UserError where there is none, where it is another kind of model's, or where a value is out of bounds.
 */
export async function readGpt2Config(path: string): Promise<Gpt2Config> {
  const file = await configFile(path)
  return parseGpt2Config(await readJson(file), file)
}

/** The `config.json` of a model folder, or the file that was named itself. */
export async function configFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(path, 'config.json') : path
}

/** GPT-2, and under a type of its own what transformers would compute otherwise; see classifier_config.ts. */
const MODEL_TYPES: readonly unknown[] = ['gpt2', 'ortune_gpt2_mean']

/** As `readGpt2Config`, from a JSON value; `where` is what errors call it. */
export function parseGpt2Config(json: unknown, where: string): Gpt2Config {
  const given = checkJson(z.looseObject({}), json, where)
  const type = given['model_type'] ?? 'gpt2'
  if (type === 'bert')
    throw new UserError(
      `${where} describes a BERT, which reads texts and writes none; name a GPT-2, or use it for task classification or reward`,
    )
  if (!MODEL_TYPES.includes(type))
    throw new UserError(`${where} describes a model of type ${quote(type)}; only gpt2 and bert are supported`)
  return checkJson(schema, { n_positions: given['n_ctx'], ...given, model_type: 'gpt2' }, where)
}
