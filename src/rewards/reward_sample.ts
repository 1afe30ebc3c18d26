/**
 * What a reward function is given.
 * @module
 */
import { END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { quote } from '../quote.ts'

/** A response to be scored. Texts are as the model sees them, white space included. */
export interface RewardSample {
  readonly prompt: string
  /** With `<|endoftext|>` at its end where the model ended it, and without where it was cut off. */
  readonly response: string
  /** What answers to this prompt the data has, without end of text; none where it has none. */
  readonly references: readonly string[]
}

/** How errors show a sample. */
export const sampleName = ({ prompt, response }: RewardSample): string =>
  `the response ${quote(response)} to the prompt ${quote(prompt)}`

/** A response's text without its end of text and without white space around it. */
export const bareResponse = ({ response }: Pick<RewardSample, 'response'>): string =>
  (response.endsWith(END_OF_TEXT) ? response.slice(0, -END_OF_TEXT.length) : response).trim()
