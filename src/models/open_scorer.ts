/**
 * Opens a reward model: a run of task reward, one of its checkpoints, or an exported folder.
 * @module
 */
import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { bertSequence, cutSequence, isBertTokenizer } from '../data/examples/bert_sequence.ts'
import { encodeStretches } from '../data/examples/encode_stretches.ts'
import type { Head } from '../../graphs/models/head.ts'
import { headOutputs, isNamed, isPooled } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { headWords } from '../formats/heads.ts'
import type { FoundModel } from './find_model.ts'
import { findModel, headOf } from './find_model.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { mapByLength } from '../generation/by_length.ts'
import type { ClassifierOptions } from './open_classifier.ts'
import { openLogits } from './open_logits.ts'

/** Texts as the model has learned to read them; `<|endoftext|>` stands for the end of a text, as in templates. */
export interface ScoredSample {
  readonly prompt: string
  readonly response: string
}

export interface Scorer {
  /** The folder that it was opened from. */
  readonly name: string
  /** Whether its number is said to be a regression's, and so what it was trained to estimate. */
  readonly regression: boolean
  readonly tokenizer: Tokenizer
  /** s(prompt, response) of each sample; what is longer than the context is cut at its end. */
  score(samples: readonly ScoredSample[]): Promise<number[]>
  release(): Promise<void>
}

/** @throws UserError where the folder holds no reward model; scoring throws one for a sample without any text */
export async function openScorer(
  folder: string,
  { checkpoint, batch = 32, ...sessionOptions }: ClassifierOptions = {},
): Promise<Scorer> {
  const found = await findModel(folder, { checkpoint })
  if (!givesScore(headOf(found))) throw new UserError(noRewardModel(folder, found))
  const model = await openLogits(found, sessionOptions)
  const { tokenizer, context } = model
  return {
    name: folder,
    regression: isNamed(headOf(found)),
    tokenizer,
    async score(samples) {
      const rows = samples.map((sample, i) => {
        const ids = encodeSample(tokenizer, sample, context)
        if (ids.length === 0) throw new UserError(`sample ${i + 1} is empty; there is nothing to score`)
        return Int32Array.from(ids)
      })
      return (await mapByLength(rows, batch, (some) => model.logits(some))).map(([score]) => score!)
    },
    release: () => model.release(),
  }
}

const givesScore = (head: Head): boolean =>
  isPooled(head) && headWords[head.kind].scores && headOutputs(head) === 1

/** As pairs are encoded: prompt and response one after the other, for BERT [CLS] prompt [SEP] response [SEP]. */
function encodeSample(tokenizer: Tokenizer, sample: ScoredSample, context: number): readonly number[] {
  const [prompt, response] = [sample.prompt, sample.response].map((text) =>
    text.replaceAll(END_OF_TEXT, END_MARK),
  ) as [string, string]
  const ids = isBertTokenizer(tokenizer)
    ? [...bertSequence(tokenizer, prompt), ...bertSequence(tokenizer, response).slice(1)]
    : encodeStretches(tokenizer, [prompt, response]).flat()
  return cutSequence(tokenizer, ids, context)
}

function noRewardModel(folder: string, found: FoundModel): string {
  const { npt, checkpoint } = found
  if (checkpoint === 'base') return `${folder}: the model before training has no head; choose best or last`
  const head = headOf(found)
  const kind = isNamed(head)
    ? `a ${headWords[head.kind].noun} of ${head.classes.length} ${head.kind}, for "ortune classify"`
    : `a language model${npt ? ' with plastic blocks' : ''}, which writes texts and scores none`
  return `${folder} is ${kind}; name a run of task reward or its exported model`
}
