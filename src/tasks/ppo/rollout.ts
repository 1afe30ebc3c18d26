/**
 * Responses of a policy, and what policy, value head and reference make of their tokens.
 * @module
 */
import type { Gpt2Config } from '../../../graphs/models/gpt2_config.ts'
import { collate } from '../../data/batches/collate.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import { NO_LOSS } from '../../data/examples/encode.ts'
import { END_OF_TEXT } from '../../data/templates/end_of_text.ts'
import { UserError } from '../../errors.ts'
import { createDecoder } from '../../generation/decoder.ts'
import { continuePrompts } from '../../generation/generate.ts'
import type { Feeds, Session } from '../../runtime/session.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { PpoOptions } from './options.ts'
import type { PpoPrompt } from './prompts.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'

export interface Response {
  readonly prompt: PpoPrompt
  /** The response with the token that ends it, so at least one: an empty response is its end alone. */
  readonly tokens: readonly number[]
  /** Whether the policy ended it, or it was cut off at `max_new_tokens`. */
  readonly ended: boolean
  /** With `<|endoftext|>` where it ended. */
  readonly text: string
}

export interface SamplingRequest {
  readonly config: Gpt2Config
  readonly tokenizer: Tokenizer
  readonly ppo: Pick<PpoOptions, 'max_new_tokens' | 'temperature' | 'top_k' | 'top_p'>
  /** Each response draws from a stream of its own, named by this and its row. */
  readonly seed: number
  /** Row of the first prompt, 0 by default. */
  readonly firstRow?: number
}

/**
 * Draws a response to each prompt, all in one batch.
 *
 * @param session of the decoding graph
 * @param parameters what the graph is fed beside the tokens; views of the trained tensors, so that it needs no reloading
 */
export async function sampleResponses(
  session: Session,
  parameters: Feeds,
  prompts: readonly PpoPrompt[],
  { config, tokenizer, ppo, seed, firstRow = 0 }: SamplingRequest,
): Promise<Response[]> {
  const continuations = await continuePrompts(
    createDecoder(session, config, parameters),
    prompts.map(({ ids }) => ids),
    config.n_positions,
    {
      do_sample: true,
      temperature: ppo.temperature,
      top_k: ppo.top_k,
      top_p: ppo.top_p,
      repetition_penalty: 1,
      max_new_tokens: ppo.max_new_tokens,
      stop_tokens: [tokenizer.eosId, ...(config.eos_token_id === null ? [] : [config.eos_token_id])],
      seed,
      firstRow,
    },
  )
  return continuations.map(({ tokens, stop }, i) => ({
    prompt: prompts[i]!,
    tokens: stop === undefined ? tokens : [...tokens, stop],
    ended: stop !== undefined,
    text: tokenizer.decode(tokens) + (stop === undefined ? '' : END_OF_TEXT),
  }))
}

/** One score per response. */
export const scoreResponses = (reward: RewardFunction, responses: readonly Response[]): Promise<number[]> =>
  reward.score(
    responses.map(({ prompt, text }) => ({
      prompt: prompt.text,
      response: text,
      references: prompt.references,
    })),
  )

/**
 * Prompts and responses as the graphs take them, padded on the right; the responses' tokens are the labelled ones, row by
 * row. `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence]; `label_positions`, `labels` int64 [labelled].
 */
export function collateResponses(responses: readonly Response[]): Feeds {
  const feeds: Record<string, Feeds[string]> = {
    ...collate(
      responses.map((response) => [exampleOf(response)]),
      { total: 1 },
    ),
  }
  delete feeds['label_weights']
  return feeds
}

function exampleOf({ prompt, tokens }: Response): EncodedExample {
  const input_ids = Int32Array.of(...prompt.ids, ...tokens)
  return { input_ids, labels: input_ids.map((id, t) => (t < prompt.ids.length ? NO_LOSS : id)) }
}

/** Cuts what a graph gives for labelled tokens into responses. */
function perResponse(data: ArrayLike<number>, responses: readonly Response[]): number[][] {
  const all = Array.from(data)
  let start = 0
  return responses.map(({ tokens }) => all.slice(start, (start += tokens.length)))
}

/** Numbers of each response's tokens. */
export interface TokenValues {
  /** log π of the token. */
  readonly logps: number[][]
  /** V where it was chosen. */
  readonly values: number[][]
}

/**
 * Runs the evaluation graph over responses, in the batches given; these are the mini-batches that training begins with, so
 * that both compute the same numbers.
 *
 * @param batches row numbers, each row in one of them
 * @throws UserError naming the tensor where a number is not finite
 */
export async function evaluateTokens(
  session: Session,
  parameters: Feeds,
  responses: readonly Response[],
  { batches, what }: { readonly batches: readonly (readonly number[])[]; readonly what: string },
): Promise<TokenValues> {
  const logps: number[][] = []
  const values: number[][] = []
  for (const rows of batches) {
    const some = rows.map((row) => responses[row]!)
    const outputs = await session.run(
      { ...collateResponses(some), ...parameters },
      { outputs: ['logps', 'values'] },
    )
    for (const [name, all] of [
      ['logps', logps],
      ['values', values],
    ] as const) {
      const data = outputs[name]!.data as Float32Array
      checkFinite(data, `${name} of ${what}`)
      for (const [i, numbers] of perResponse(data, some).entries()) all[rows[i]!] = numbers
    }
  }
  return { logps, values }
}

/** @throws UserError where a number is not finite */
export function checkFinite(data: ArrayLike<number>, what: string): void {
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i])) throw new UserError(`${what} has ${data[i]}; lower the learning rate`)
}
