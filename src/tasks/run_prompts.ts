/** @module */
import { factsOf } from '../../graphs/models/family.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Prompt } from '../learning/rollouts.ts'
import { readPrompts } from '../learning/rollouts.ts'
import type { RunFacts } from './task.ts'

/**
 * The prompts of a data set that a run's model responds to.
 *
 * @param option the one that says how long responses are, as errors call it
 * @throws UserError where there is none, or where one leaves no room for a response and `overlong` says so
 */
export const runPrompts = (
  data: DataSet,
  { config, tokenizer, settings: { overlong } }: Pick<RunFacts, 'config' | 'tokenizer' | 'settings'>,
  { max_new_tokens, option }: { readonly max_new_tokens: number; readonly option: string },
): Prompt[] =>
  readPrompts(data, tokenizer, { context: factsOf(config).context, max_new_tokens, option, overlong })
