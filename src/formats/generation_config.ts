/**
 * How a model folder wants its texts to be written: `generation_config.json` of transformers, or where there is none what an
 * older `config.json` says of it.
 * @module
 */
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import type { Files } from './files.ts'
import { has } from './files.ts'

/** Options of writing, under transformers' names; a key that the files do not have is missing. */
export interface GenerationDefaults {
  readonly do_sample?: boolean
  readonly temperature?: number
  readonly top_k?: number
  readonly top_p?: number
  readonly min_p?: number
  readonly repetition_penalty?: number
  readonly no_repeat_ngram_size?: number
  readonly max_new_tokens?: number
  /** Of prompt and new tokens together. */
  readonly max_length?: number
}

export interface GenerationConfig {
  /** The tokens that end a text, beside the tokenizer's own. */
  readonly endsOfText: readonly number[]
  readonly defaults: GenerationDefaults
  /** What the files ask for and is not followed: key and value. */
  readonly unfollowed: Readonly<Record<string, unknown>>
}

const id = z.int().min(0)

/** One id or several; ids below 0 stand for none. */
export const endsOfText = z
  .union([z.int(), z.array(z.int())])
  .nullish()
  .transform((given) => [given ?? []].flat().filter((token) => id.safeParse(token).success))

/** The values that an option may have; others are not followed. */
const followed = {
  do_sample: z.boolean(),
  temperature: z.number().positive(),
  top_k: z.int().min(0),
  top_p: z.number().positive().max(1),
  min_p: z.number().min(0).max(1),
  repetition_penalty: z.number().positive(),
  no_repeat_ngram_size: z.int().min(0),
  max_new_tokens: z.int().min(1),
  max_length: z.int().min(1),
} as const satisfies Record<keyof GenerationDefaults, z.ZodType>

/** Options that change what is written and are not followed, with the values that do nothing. */
const UNFOLLOWED: Readonly<Record<string, readonly unknown[]>> = {
  num_beams: [1],
  num_beam_groups: [1],
  penalty_alpha: [0],
  dola_layers: [],
  guidance_scale: [1],
  top_h: [],
  typical_p: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  min_length: [0],
  min_new_tokens: [0],
  sequence_bias: [],
  bad_words_ids: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
  stop_strings: [],
  max_time: [],
  watermarking_config: [],
}

/** Of a file that says how to sample; transformers' own, where it names none. */
const TOP_K = 50

/** An older `config.json` carries every option with the value that does nothing, and a total length of 20. */
const OLD_MAX_LENGTH = 20

/**
 * Reads what the files of a model say about writing.
 *
 * @throws UserError where a file is broken or an end of text is no token id
 */
export async function readGenerationConfig(files: Files): Promise<GenerationConfig> {
  const where = files.path('config.json')
  const schema = z.looseObject({ eos_token_id: endsOfText })
  const model = checkJson(schema, await files.json('config.json'), where)
  const name = 'generation_config.json'
  if (!(await has(files, name))) return parseGeneration(model, where, model.eos_token_id)
  return parseGeneration(await files.json(name), files.path(name), model.eos_token_id)
}

function parseGeneration(json: unknown, where: string, others: readonly number[]): GenerationConfig {
  const given = checkJson(z.looseObject({ eos_token_id: endsOfText }), json, where)
  const { eos_token_id: own } = given
  const defaults: Record<string, unknown> = {}
  const unfollowed: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(followed)) {
    const value = given[key] ?? undefined
    if (value === undefined || (key === 'max_length' && value === OLD_MAX_LENGTH)) continue
    if (schema.safeParse(value).success) defaults[key] = value
    else unfollowed[key] = value
  }
  for (const [key, idle] of Object.entries(UNFOLLOWED)) {
    const value = given[key] ?? undefined
    const nothing = Array.isArray(value) && value.length === 0
    if (value !== undefined && value !== false && !nothing && !idle.includes(value)) unfollowed[key] = value
  }
  if (defaults['do_sample'] === true) defaults['top_k'] ??= TOP_K
  return { endsOfText: own.length > 0 ? own : others, defaults, unfollowed }
}

/** The ends of text alone. */
export const withoutDefaults = ({ endsOfText }: GenerationConfig): GenerationConfig => ({
  endsOfText,
  defaults: {},
  unfollowed: {},
})
