/** @module */
import { NOISE_KEYS } from '../../graphs/models/model_noise.ts'
import { createRandom } from '../random.ts'
import type { Feeds, Session } from '../runtime/session.ts'

/**
 * What a training graph with dropout or noise is fed: a random odd number of each token, int32 of the shape of `input_ids`. Each row
 * of each step draws its own from the seed, so that neither micro-batches nor a resumed run change them.
 *
 * @param sequences how many sequences the feeds are made of
 * @param first number of the first one within the step
 */
export function noiseFeeds(
  { inputNames }: Pick<Session, 'inputNames'>,
  feeds: Feeds,
  seed: number,
  { step, first, sequences }: { readonly step: number; readonly first: number; readonly sequences: number },
): Feeds {
  if (!inputNames.includes(NOISE_KEYS)) return {}
  const [rows, width] = feeds['input_ids']!.dims as [number, number]
  const data = new Int32Array(rows * width)
  for (let row = 0; row < rows; row++) {
    // A sequence of the data may be several rows.
    const random = createRandom(seed, 'noise', step, (first * rows) / sequences + row)
    for (let t = 0; t < width; t++) data[row * width + t] = random.integer(2 ** 32) | 1
  }
  return { [NOISE_KEYS]: { dtype: 'int32', dims: [rows, width], data } }
}
