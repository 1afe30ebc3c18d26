/**
 * Prompts, the responses that a policy draws to them, and what graphs make of the responses' tokens: what learning from a
 * model's own writing is made of.
 * @module
 */
import { collate } from '../data/batches/collate.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import { NO_LOSS } from '../data/examples/encode.ts'
import type { PromptAndReferences } from '../data/examples/prompts_and_references.ts'
import { allPrompts } from '../data/examples/prompts_and_references.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import type { Decoder } from '../generation/decoder.ts'
import type { Continued } from '../generation/generate.ts'
import { continuePrompts } from '../generation/generate.ts'
import type { SamplingOptions } from '../generation/sampling.ts'
import { createRandom } from '../random.ts'
import { decodeAfter } from '../text/detokenizer.ts'
import type { RewardFunction } from '../rewards/reward_function.ts'
import type { RewardSample } from '../rewards/reward_sample.ts'
import type { Feeds, Session, Tensors } from '../runtime/session.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { Interrupted } from './interrupted.ts'
import type { Listener } from './listeners.ts'
import { listenersAsOne } from './listeners.ts'

export interface Prompt {
  /** Token ids, at least one. */
  readonly ids: readonly number[]
  readonly text: string
  /** The answers that the data has to it, without end of text. */
  readonly references: readonly string[]
}

export interface PromptLimits {
  /** Most tokens that the model reads. */
  readonly context: number
  readonly max_new_tokens: number
  /** The option that says so, such as `ppo.max_new_tokens`. */
  readonly option: string
  /** What to do with a prompt that leaves too little room for a response; none is ever cut. */
  readonly overlong: 'error' | 'skip'
}

/**
 * The different prompts of a data set, in order of appearance.
 *
 * @throws UserError where there is none, or where one is too long and `overlong` says so
 */
export function readPrompts(
  dataset: DataSet,
  tokenizer: Tokenizer,
  { context, max_new_tokens, option, overlong }: PromptLimits,
): Prompt[] {
  const found = allPrompts(dataset, tokenizer.eosId)
  if (found.length === 0)
    throw new UserError('the data has no prompts to respond to; give it a prompt column or a template')
  const fitting = found.filter(({ prompt }) => prompt.length + max_new_tokens <= context)
  const tooLong = found.find(({ prompt }) => prompt.length + max_new_tokens > context)
  if (tooLong && (overlong === 'error' || fitting.length === 0))
    throw new UserError(
      `the prompt ${quote(tokenizer.decode(tooLong.prompt))} has ${tooLong.prompt.length} tokens, which with ${option.replace(/^.*\./, '')} ${max_new_tokens} do not fit the model's context of ${context}; ` +
        (fitting.length === 0
          ? `no prompt does, so shorten them or lower ${option}`
          : `shorten it, lower ${option}, or leave such prompts out with overlong: skip`),
    )
  return fitting.map((one) => asPrompt(one, tokenizer))
}

/** A prompt of the data with its texts. */
export const asPrompt = (
  { prompt, references }: PromptAndReferences,
  tokenizer: Pick<Tokenizer, 'decode'>,
): Prompt => ({
  ids: prompt,
  text: tokenizer.decode(prompt),
  references: references.map((ids) => tokenizer.decode(ids)),
})

/** Rollouts in one pass over so many prompts. */
export const rolloutsPerEpoch = (prompts: number, batchSize: number): number =>
  Math.max(1, Math.floor(prompts / batchSize))

/**
 * The prompts of a rollout. Each epoch shuffles all of them and leaves out what does not fill a last batch; fewer prompts
 * than a batch are repeated.
 *
 * @param batch the rollout's number within the epoch, from 0
 */
export function promptsOfRollout(
  prompts: readonly Prompt[],
  {
    seed,
    epoch,
    batch,
    batchSize,
  }: { readonly seed: number; readonly epoch: number; readonly batch: number; readonly batchSize: number },
): Prompt[] {
  const order = Uint32Array.from(prompts, (_, i) => i)
  createRandom(seed, 'prompt order', epoch).shuffle(order)
  return Array.from({ length: batchSize }, (_, i) => prompts[order[(batch * batchSize + i) % order.length]!]!)
}

export interface Response {
  readonly prompt: Prompt
  /** The response with the token that ends it, so at least one: an empty response is its end alone. */
  readonly tokens: readonly number[]
  /** Whether the policy ended it, or it was cut off at `max_new_tokens`. */
  readonly ended: boolean
  /** With `<|endoftext|>` where it ended. */
  readonly text: string
}

export interface SamplingRequest extends Pick<SamplingOptions, 'temperature' | 'top_k' | 'top_p' | 'min_p'> {
  /** Most tokens that the model reads. */
  readonly context: number
  readonly tokenizer: Tokenizer
  readonly max_new_tokens: number
  /** Tokens that end a response. */
  readonly stop_tokens: readonly number[]
  /** Each response draws from a stream of its own, named by this and its row. */
  readonly seed: number
  /** Row of the first prompt, 0 by default. */
  readonly firstRow?: number
  /** False: the likeliest token each time, in place of one that is drawn. */
  readonly do_sample?: boolean
  /** Is told of every token; what it throws ends the responses. */
  readonly onToken?: () => void
}

/** Draws a response to each prompt, all in one batch. */
export async function sampleResponses(
  decoder: Decoder,
  prompts: readonly Prompt[],
  { context, tokenizer, firstRow = 0, do_sample = true, ...sampling }: SamplingRequest,
): Promise<Response[]> {
  const continuations = await continuePrompts(
    decoder,
    prompts.map(({ ids }) => ids),
    context,
    { ...sampling, do_sample, repetition_penalty: 1, firstRow, isText: tokenizer.knows },
  )
  return continuations.map((written, i) => responseOf(prompts[i]!, written, tokenizer))
}

/** Tells of responses as they are drawn and scored, and gives up where the run is to stop: nothing has been learned from them yet. */
export function watchDrawing(
  {
    listeners,
    signal,
  }: { readonly listeners: readonly Listener[]; readonly signal?: AbortSignal | undefined },
  step: number,
  of: number,
) {
  const tell = listenersAsOne(listeners)
  let drawn = 0
  const at = (done: number): void => {
    if (signal?.aborted) throw new Interrupted()
    tell.responding({ step, done, of })
  }
  return { token: () => at(Math.min(++drawn, of - 1)), end: () => at(of) }
}

/** What was written after a prompt, as a response to it. */
export const responseOf = (
  prompt: Prompt,
  { tokens, stop }: Continued,
  tokenizer: Pick<Tokenizer, 'decode'>,
): Response => ({
  prompt,
  tokens: stop === undefined ? tokens : [...tokens, stop],
  ended: stop !== undefined,
  text: decodeAfter(tokenizer, prompt.ids, tokens) + (stop === undefined ? '' : END_OF_TEXT),
})

/** One score per response. */
export const scoreResponses = (reward: RewardFunction, responses: readonly Response[]): Promise<number[]> =>
  reward.score(samplesOf(responses))

/** Responses as they are scored. */
export const samplesOf = (responses: readonly Response[]): RewardSample[] =>
  responses.map(({ prompt, text }) => ({
    prompt: prompt.text,
    response: text,
    references: prompt.references,
  }))

/**
 * Prompts and responses as the graphs take them, padded on the right; the responses' tokens are the labelled ones, row by
 * row. `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence]; `label_positions`, `labels` int64 [labelled].
 */
export function collateResponses(responses: readonly Response[]): Feeds {
  const feeds: Record<string, Feeds[string]> = {
    ...collate(
      responses.map((response) => [responseExample(response)]),
      { total: 1 },
    ),
  }
  delete feeds['label_weights']
  return feeds
}

/** A prompt and the response to it, whose tokens are labelled. */
export function responseExample({ prompt, tokens }: Pick<Response, 'prompt' | 'tokens'>): EncodedExample {
  const input_ids = Int32Array.of(...prompt.ids, ...tokens)
  return { input_ids, labels: input_ids.map((id, t) => (t < prompt.ids.length ? NO_LOSS : id)) }
}

/** Cuts what a graph gives for labelled tokens into responses. */
export function perResponse(
  data: ArrayLike<number>,
  responses: readonly Pick<Response, 'tokens'>[],
): number[][] {
  const all = Array.from(data)
  let start = 0
  return responses.map(({ tokens }) => all.slice(start, (start += tokens.length)))
}

/**
 * Runs the evaluation graph over responses, in the batches given; these are the mini-batches that training begins with, so
 * that both compute the same numbers.
 *
 * @param batches row numbers, each row in one of them at most
 * @param outputs what the graph says of the responses' tokens, such as `logps`, log π of the token
 * @returns by the names of the outputs, per row, per token; nothing for a row that is in no batch
 * @throws UserError naming the tensor where a number is not finite
 */
export async function evaluateTokens<Name extends string>(
  session: Session,
  parameters: Tensors,
  responses: readonly Response[],
  {
    batches,
    outputs,
    what,
  }: {
    readonly batches: readonly (readonly number[])[]
    readonly outputs: readonly Name[]
    readonly what: string
  },
): Promise<Record<Name, number[][]>> {
  const found = Object.fromEntries(outputs.map((name) => [name, []])) as unknown as Record<Name, number[][]>
  for (const rows of batches) {
    const some = rows.map((row) => responses[row]!)
    const given = await session.run({ ...collateResponses(some), ...parameters }, { outputs })
    for (const name of outputs) {
      const data = given[name]!.data as Float32Array
      checkFinite(data, `${name} of ${what}`)
      for (const [i, numbers] of perResponse(data, some).entries()) found[name][rows[i]!] = numbers
    }
  }
  return found
}

/** @throws UserError where a number is not finite */
export function checkFinite(data: ArrayLike<number>, what: string): void {
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i])) throw new UserError(`${what} has ${data[i]}; lower the learning rate`)
}
