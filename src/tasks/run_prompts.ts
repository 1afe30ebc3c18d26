/** @module */
import { factsOf } from '../../graphs/models/family.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Prompt } from '../learning/rollouts.ts'
import { readPrompts } from '../learning/rollouts.ts'
import type { RunFacts } from './task.ts'

type PromptRun = Pick<RunFacts, 'config' | 'tokenizer' | 'settings'> & {
  readonly options: { readonly max_new_tokens: number }
}

/**
 * The prompts of a data set that a run's model responds to.
 *
 * @param task whose options errors speak of
 * @throws UserError where there is none, or where one leaves no room for a response and `overlong` says so
 */
export const runPrompts = (
  data: DataSet,
  { config, tokenizer, settings: { overlong }, options: { max_new_tokens } }: PromptRun,
  task: string,
): Prompt[] =>
  readPrompts(data, tokenizer, { context: factsOf(config).context, max_new_tokens, task, overlong })
