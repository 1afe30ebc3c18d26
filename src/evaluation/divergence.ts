/**
 * How far a policy has moved from the model before training, by what it writes itself.
 * @module
 */
import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import { collate } from '../data/batches/collate.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import { countLabelled, NO_LOSS } from '../data/examples/encode.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import type { FoundModel } from '../models/find_model.ts'
import { loraScale } from '../runtime/feeds.ts'
import { mapByLength } from '../generation/by_length.ts'
import { openFoundModel, withModel } from '../models/open_found_model.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Feeds, Session, Tensors } from '../runtime/session.ts'
import { asLanguageModel } from '../tasks/language_model.ts'

/** Token ids, at least one of each; a response includes its end of text, where it has one. */
export interface PromptAndResponse {
  readonly prompt: readonly number[]
  readonly response: readonly number[]
}

export interface DivergenceOptions {
  readonly runtime: Runtime
  /** Responses that are read together. */
  readonly batch: number
}

/** A sequence, with its length to be sorted by. */
interface Sequence {
  readonly length: number
  readonly example: EncodedExample
}

/**
 * The model that a found one was trained from: that of its run, or that its adapter belongs to. A model before training is
 * its own; nothing is known of any other.
 */
export function modelBefore(found: FoundModel, folder: string): FoundModel | undefined {
  const { base, adapter, trained, checkpoint } = found
  if (checkpoint === 'base') return found
  if (adapter !== undefined || trained !== undefined) return { base }
  return checkpoint === undefined ? undefined : { base: folder, checkpoint: 'base' }
}

/**
 * The log-ratio of each response y to its prompt, in nats: Σ_t log π(y_t) − log π_before(y_t). Over responses that π drew,
 * its expectation is KL(π‖π_before).
 *
 * @param policy a language model, whose responses they are
 * @param before where the policy is an adapter, its base: the same session then serves both, unless modules were trained whole
 */
export async function logRatios(
  policy: FoundModel,
  before: FoundModel,
  responses: readonly PromptAndResponse[],
  options: DivergenceOptions,
): Promise<number[]> {
  if (before === policy) return responses.map(() => 0)
  const sequences = responses.map(sequenceOf)
  const [own, others] =
    policy.adapter === undefined || (await readPeftAdapter(policy.adapter)).modules_to_save
      ? [
          ...(await logProbabilities(policy, [{}], sequences, options)),
          ...(await logProbabilities(before, [{}], sequences, options)),
        ]
      : await logProbabilities(policy, [{}, loraScale(0)], sequences, options)
  return own!.map((value, i) => value - others![i]!)
}

function sequenceOf({ prompt, response }: PromptAndResponse): Sequence {
  const input_ids = Int32Array.of(...prompt, ...response)
  const labels = input_ids.map((id, t) => (t < prompt.length ? NO_LOSS : id))
  return { length: input_ids.length, example: { input_ids, labels } }
}

/** log π(y) of each sequence's labelled tokens together, once for each of the `changes` to the model's inputs. */
async function logProbabilities(
  found: FoundModel,
  changes: readonly Feeds[],
  sequences: readonly Sequence[],
  { batch, runtime }: DivergenceOptions,
): Promise<number[][]> {
  const opened = await openFoundModel(
    found,
    (request) => sftEvaluationGraph(asLanguageModel(request)),
    runtime,
  )
  return withModel(opened, async (session, parameters) => {
    const results: number[][] = []
    for (const change of changes)
      results.push(
        await mapByLength(sequences, batch, (some) => summedOf(session, { ...parameters, ...change }, some)),
      )
    return results
  })
}

/** Σ_t log π(y_t), in the order of the sequences. */
async function summedOf(session: Session, parameters: Tensors, some: readonly Sequence[]): Promise<number[]> {
  const feeds = collate(
    some.map(({ example }) => [example]),
    { total: 1 },
  )
  const { nll } = await session.run({ ...feeds, ...parameters }, { outputs: ['nll'] })
  const values = nll!.data as Float32Array
  let start = 0
  return some.map(({ example }) => {
    const tokens = values.subarray(start, (start += countLabelled(example)))
    return -tokens.reduce((sum, value) => sum + value, 0)
  })
}
