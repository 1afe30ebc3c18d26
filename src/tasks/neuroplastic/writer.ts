/**
 * What writes responses with the model as it is at the moment.
 * @module
 */
import { factsOf } from '../../../graphs/models/family.ts'
import { createDecoder } from '../../generation/decoder.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import { sampleResponses } from '../../learning/rollouts.ts'
import { takenBy } from '../../runtime/feeds.ts'
import type { Session } from '../../runtime/session.ts'
import type { OpenRun } from '../task.ts'
import type { NeuroplasticOptions } from './options.ts'

export interface Writer {
  /** Drawn from the model's own distribution, as the score function wants it; row by row from streams of the seed. */
  readonly draw: (prompts: readonly Prompt[], seed: number, firstRow: number) => Promise<Response[]>
  /** The likeliest token each time. */
  readonly greedy: (prompts: readonly Prompt[]) => Promise<Response[]>
}

/** @param decoding of the decoding graph */
export function createWriter(
  decoding: Session,
  { config, tokenizer, stop_tokens, parameters, options }: WriterParts,
): Writer {
  const facts = factsOf(config)
  const decoder = createDecoder(decoding, facts, takenBy(decoding, parameters))
  const { max_new_tokens } = options
  const plain = { temperature: 1, top_k: 0, top_p: 1, seed: 0 }
  const request = { ...plain, context: facts.context, tokenizer, stop_tokens, max_new_tokens }
  const write = (prompts: readonly Prompt[], how: Partial<Parameters<typeof sampleResponses>[2]>) =>
    prompts.length === 0 ? Promise.resolve([]) : sampleResponses(decoder, prompts, { ...request, ...how })
  return {
    draw: (prompts, seed, firstRow) => write(prompts, { seed, firstRow }),
    greedy: (prompts) => write(prompts, { do_sample: false }),
  }
}

type WriterParts = Pick<
  OpenRun<NeuroplasticOptions>,
  'config' | 'tokenizer' | 'stop_tokens' | 'parameters' | 'options'
>
