/**
 * What policies are judged on: prompts of a run's prepared data.
 * @module
 */
import { encodeStretches } from '../data/examples/encode_stretches.ts'
import { markText } from '../data/templates/end_of_text.ts'
import type { PromptAndReferences } from '../data/examples/prompts_and_references.ts'
import { allPrompts, evenlySpread } from '../data/examples/prompts_and_references.ts'
import type { Split } from '../data/sets/splits.ts'
import { UserError } from '../errors.ts'
import { headWords } from '../formats/heads.ts'
import { readRunManifest } from '../runs/run_manifest.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'
import type { TokenGenerator } from '../generation/token_generator.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { tokenizerDifference } from '../formats/tokenizer_difference.ts'
import { openSplit } from '../runs/split.ts'
import type { Policy } from './judge_policies.ts'

/** A prompt as a model with the run's tokenizer takes it, and as text. */
export interface Case extends PromptAndReferences {
  readonly promptText: string
  readonly referenceTexts: readonly string[]
}

/** The tasks that train a policy: a language model whose data has prompts. */
const policyTasks = TASK_NAMES.filter((name) => {
  const { head, refuses } = taskNamed(name)
  return head === 'language' && refuses.plasticBlocks !== 'needed'
})

/**
 * Up to `most` prompts of a run's data, evenly spread over it, with the preferred answers to each.
 *
 * @throws UserError where the folder is no run of a policy, or has no such split or no prompts in it
 */
export async function readCases(run: string, split: Split, most: number): Promise<Case[]> {
  const dataset = await openSplit(run, split)
  try {
    const { task, head } = await readRunManifest(run)
    if (head.kind !== 'language')
      throw new UserError(
        `${run} trains a ${headWords[head.kind].noun}, which writes no answers; name the run of a language model`,
      )
    if (taskNamed(task).refuses.plasticBlocks === 'needed')
      throw new UserError(
        `${run} is of task ${task}, whose data has no prompts to answer; name a run of task ${policyTasks.join(', ')}`,
      )
    const tokenizer = await loadTokenizer(run)
    const cases = evenlySpread(allPrompts(dataset, tokenizer.eosId), most)
    if (cases.length === 0)
      throw new UserError(
        `${run} has no prompts in its ${split} data to answer; that takes pairs of answers, prompts and completions, or chats`,
      )
    return cases.map(({ prompt, references }) => ({
      prompt,
      references,
      promptText: tokenizer.decode(prompt),
      referenceTexts: references.map((ids) => tokenizer.decode(ids)),
    }))
  } finally {
    dataset.close()
  }
}

/**
 * The prompts in a policy's own tokens: those of the data where its tokenizer is the run's, else of their texts.
 *
 * @throws UserError where one leaves no room for an answer
 */
export async function promptsFor(
  { name, found }: Policy,
  { tokenizer, context }: TokenGenerator,
  run: string,
  cases: readonly Case[],
): Promise<(readonly number[])[]> {
  const alike = found.base === run || (await tokenizerDifference(found.base, run)) === undefined
  const prompts = cases.map(({ prompt, promptText }) =>
    alike ? prompt : encodeStretches(tokenizer, [markText(promptText)]).flat(),
  )
  const tooLong = prompts.findIndex(({ length }) => length >= context)
  if (tooLong < 0) return prompts
  throw new UserError(
    `${name} reads ${context} tokens, and the prompt "${cases[tooLong]!.promptText.slice(0, 40)}…" has ${prompts[tooLong]!.length}, which leaves no room for an answer; name a model with a longer context`,
  )
}
