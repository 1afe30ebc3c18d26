/**
 * Rows of the data, and after them what the model wrote to some of their prompts, as the graphs take them.
 * @module
 */
import { collate, int64 } from '../../data/batches/collate.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import { lastLearned } from '../../data/examples/prompts_and_references.ts'
import type { Feeds, HostTensor } from '../../runtime/session.ts'

/** Whether a row has both a prompt and a response, which can be near each other. */
export function isPaired(example: EncodedExample): boolean {
  const { start, end } = lastLearned(example)
  return start > 0 && end > start
}

/**
 * What the graphs are fed of prompts and responses, weights aside. The response of an example is its last learned stretch, its prompt
 * all before. Where it lacks either, both masks are of the whole, so that its cosine is 1 and no division by zero.
 */
export function collateTerms(examples: readonly EncodedExample[]): Feeds {
  const feeds: Record<string, HostTensor> = {
    ...collate(
      examples.map((example) => [example]),
      { total: 1 },
    ),
  }
  delete feeds['label_weights']
  const { dims } = feeds['input_ids']!
  return {
    ...feeds,
    prompt_mask: mask(examples, dims, (example) => [0, lastLearned(example).start]),
    response_mask: mask(examples, dims, (example) => {
      const { start, end } = lastLearned(example)
      return [start, end]
    }),
  }
}

/** 1 from one token of each example up to another. */
function mask(
  examples: readonly EncodedExample[],
  dims: readonly number[],
  stretch: (example: EncodedExample) => readonly [start: number, end: number],
): HostTensor {
  const { tensor, set } = int64(dims)
  for (const [row, example] of examples.entries()) {
    const [start, end] = isPaired(example) ? stretch(example) : [0, example.input_ids.length]
    for (let t = start; t < end; t++) set(row * dims[1]! + t, 1)
  }
  return tensor
}
