/**
 * What single responses are like: by the evaluation graph, and beside the references of their prompts.
 * @module
 */
import type { EncodedExample } from '../../data/examples/encode.ts'
import { NotFinite } from '../../errors.ts'
import type { Response } from '../../learning/rollouts.ts'
import { responseExample } from '../../learning/rollouts.ts'
import type { Session, Tensors } from '../../runtime/session.ts'
import { collateTerms } from './collate.ts'
import type { Overlap } from './terms.ts'
import { overlap } from './terms.ts'

/** What the evaluation graph gives for examples: of each labelled token, and of each example its cosine. */
export async function look(session: Session, parameters: Tensors, examples: readonly EncodedExample[]) {
  const outputs = await session.run({ ...collateTerms(examples), ...parameters })
  const numbers = (name: 'nll' | 'entropies' | 'cosines') => {
    const data = outputs[name]!.data as Float32Array
    const odd = data.find((value) => !Number.isFinite(value))
    if (odd !== undefined) throw new NotFinite(`one of the ${name} is ${odd}`)
    return Array.from(data)
  }
  return { nll: numbers('nll'), entropies: numbers('entropies'), cosines: numbers('cosines') }
}

export interface Measures {
  /** Between the mean last hidden states of prompt and response. */
  readonly cosine: number
  /** Of the next token, where each token of the response is predicted, in nats. */
  readonly entropies: readonly number[]
  /** Undefined where the prompt has no reference. */
  readonly overlap: Overlap | undefined
}

/** The measures of responses, in one batch. */
export async function measure(
  session: Session,
  parameters: Tensors,
  responses: readonly Response[],
): Promise<Measures[]> {
  const seen = await look(session, parameters, responses.map(responseExample))
  let start = 0
  return responses.map((response, i) => ({
    cosine: seen.cosines[i]!,
    entropies: seen.entropies.slice(start, (start += response.tokens.length)),
    overlap: overlap(response),
  }))
}
