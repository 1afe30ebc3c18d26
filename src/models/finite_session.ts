/** @module */
import { NotFinite } from '../errors.ts'
import { notFinite } from '../formats/finite.ts'
import type { Session } from '../runtime/session.ts'

/** The keys and values of earlier tokens, under transformers' names: what comes of them shows in the logits. */
const isCache = (output: string): boolean => output.startsWith('present')

/**
 * A session whose results are finite: answers of a model with infinities in it are no answers.
 *
 * @param name what errors call the model
 */
export const finiteSession = (session: Session, name: string): Session => ({
  ...session,
  async run(feeds, options) {
    const outputs = await session.run(feeds, options)
    for (const [output, { data }] of Object.entries(outputs)) {
      if (!(data instanceof Float32Array) || isCache(output)) continue
      const unsound = notFinite(data)
      if (unsound !== undefined)
        throw new NotFinite(`${name} computes ${output} that are not finite (${unsound})`)
    }
    return outputs
  },
})
