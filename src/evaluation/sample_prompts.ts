/**
 * The prompts that a run's model is to be seen answering: rows of its data, and what a person asks for.
 * @module
 */
import { join } from 'node:path'

import { factsOf } from '../../graphs/models/family.ts'
import type { PromptAndReferences } from '../data/examples/prompts_and_references.ts'
import { allPrompts, evenlySpread } from '../data/examples/prompts_and_references.ts'
import type { Split } from '../data/sets/splits.ts'
import { splitFile } from '../data/sets/split_files.ts'
import { SPLITS } from '../data/sets/splits.ts'
import type { WritingTemplate } from '../data/templates/template_source.ts'
import { UserError } from '../errors.ts'
import { standingRun } from '../formats/curriculum.ts'
import { headWords } from '../formats/heads.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { exists } from '../formats/read_file.ts'
import { chatForm } from '../generation/chat_form.ts'
import type { GivenPrompt } from '../generation/written_prompt.ts'
import { promptIds, promptsOfConcept, promptText, promptWriter } from '../generation/written_prompt.ts'
import type { Prompt } from '../learning/rollouts.ts'
import { asPrompt } from '../learning/rollouts.ts'
import { quote } from '../quote.ts'
import { taskOptions } from '../runs/learning_config.ts'
import { readRunConfig } from '../runs/run_config.ts'
import { readRunManifest } from '../runs/run_manifest.ts'
import { openSplit } from '../runs/split.ts'
import { writingTemplates } from '../runs/templates.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { enoughTokens } from './evaluate_generation.ts'

/** What is asked for; something, in all. */
export interface SampleRequest {
  /** So many different prompts of the split, evenly spread over it. */
  readonly rows?: number | undefined
  /** Values of the first column that the run's template reads, or in conversations what the user says. */
  readonly concepts?: readonly string[] | undefined
  readonly prompts?: readonly GivenPrompt[] | undefined
}

export interface SamplePrompt extends Prompt {
  /** What it was found or written by; null where it was drawn from the data or given whole. */
  readonly concept: string | null
  /** The data that has it; null where none does, so that it has no references. */
  readonly split: Split | null
}

export interface SamplePrompts {
  /** The data that was looked at first. */
  readonly split: Split
  readonly prompts: readonly SamplePrompt[]
  /** As the task's option says, else what 99 % of the split's references need. */
  readonly maxNewTokens: number
}

/** The prompts of a split, once in tokens alone. */
interface Place {
  readonly split: Split
  readonly cases: readonly PromptAndReferences[]
  readonly prompts: readonly Prompt[]
}

/** More prompts of one concept say little more. */
const MOST_OF_CONCEPT = 8

/**
 * Rows of the split first, then concepts, then prompts. A concept stands for the prompts of the data that have it, looked for in the
 * split and then in the others, or else for one that the run's template writes of it.
 *
 * @throws UserError where the folder is no run of a language model, its data has no prompts, or one cannot be written or answered
 */
export async function samplePrompts(
  folder: string,
  split: Split,
  { rows = 0, concepts = [], prompts = [] }: SampleRequest,
): Promise<SamplePrompts> {
  const run = await standingRun(folder)
  const tokenizer = await loadTokenizer(run)
  const own = await readPlace(run, split, tokenizer)
  const answered = own.prompts.filter(({ references }) => references.length > 0)
  if (rows > 0 && own.prompts.length === 0)
    throw new UserError(
      `${run} has no prompts in its ${split} data to draw samples from; name what is to be continued by --prompt`,
    )
  const places = [own]
  for (const other of concepts.length + prompts.length > 0 ? SPLITS : [])
    if (other !== split && (await exists(splitFile(join(run, 'data'), other))))
      places.push(await readPlace(run, other, tokenizer))
  const templates = await writingTemplates(run)
  const chosen = [
    ...evenlySpread(answered.length > 0 ? answered : own.prompts, rows).map((prompt) => ({
      ...{ ...prompt, concept: null, split },
    })),
    ...concepts.flatMap((concept) => promptsOf(concept, run, templates, places, tokenizer)),
    ...prompts.map((prompt) => known(prompt, places, tokenizer)),
  ]
  const { context } = factsOf(await readModelConfig(run))
  const tooLong = chosen.find(({ ids }) => ids.length >= context)
  if (tooLong)
    throw new UserError(
      `the prompt ${quote(tooLong.text)} has ${tooLong.ids.length} tokens, which leaves no room for an answer in the model's context of ${context}; shorten it, or leave it out`,
    )
  const options = taskOptions(await readRunConfig(run))
  const most = 'max_new_tokens' in options ? (options.max_new_tokens as number) : enoughTokens(own.cases)
  return { split, prompts: chosen, maxNewTokens: most }
}

async function readPlace(run: string, split: Split, tokenizer: Tokenizer): Promise<Place> {
  const dataset = await openSplit(run, split)
  try {
    const { head } = await readRunManifest(run)
    if (head.kind !== 'language')
      throw new UserError(
        `${run} trains a ${headWords[head.kind].noun}, which writes no texts; leave --samples, --concepts and --prompt out`,
      )
    const cases = allPrompts(dataset, tokenizer.eosId)
    return { split, cases, prompts: cases.map((one) => asPrompt(one, tokenizer)) }
  } finally {
    dataset.close()
  }
}

/** The first data that has fitting prompts, and these. */
function search(places: readonly Place[], fits: (prompt: Prompt) => boolean) {
  for (const { split, prompts } of places) {
    const found = evenlySpread(prompts.filter(fits), MOST_OF_CONCEPT)
    if (found.length > 0) return found.map((prompt) => ({ ...prompt, split }))
  }
  return []
}

/** Of a concept: those of the data, else the one that the template writes. */
function promptsOf(
  concept: string,
  run: string,
  templates: readonly WritingTemplate[],
  places: readonly Place[],
  tokenizer: Tokenizer,
): readonly SamplePrompt[] {
  const patterns = templates.flatMap((template) => promptsOfConcept(template, concept, tokenizer))
  const found = search(places, ({ text }) => patterns.some((pattern) => pattern.test(text.trim())))
  if (found.length > 0) return found.map((prompt) => ({ ...prompt, concept }))
  const [template] = templates
  const [first, ...others] = chatForm(template, tokenizer).questions.filter(({ optional }) => !optional)
  if (others.length > 0) {
    const columns = { [first!.name]: concept, ...Object.fromEntries(others.map(({ name }) => [name, '…'])) }
    throw new UserError(
      `no row of ${run} has ${quote(concept)} for its ${first!.name}, and the run's template reads ${others.map(({ name }) => name).join(', ')} too; give all by --prompt '${JSON.stringify(columns)}'`,
    )
  }
  const prompt = promptWriter(template, tokenizer)(concept, `the concept ${quote(concept)}`)
  return [{ ...known(prompt, places, tokenizer), concept }]
}

/**
 * A prompt with the references that the data has to it. Where the data has it without its last stretch, which the model has learned to
 * write itself before a reply, it is that of the data.
 */
function known(given: GivenPrompt, places: readonly Place[], tokenizer: Tokenizer): SamplePrompt {
  const ids = promptIds(tokenizer, given)
  if (ids.length === 0) throw new UserError('a prompt is empty; write one, or leave it out')
  const same = (wanted: readonly number[]) =>
    search(places, (one) => one.ids.length === wanted.length && wanted.every((id, i) => id === one.ids[i]))
  const [found] = [
    ...same(ids),
    ...(typeof given === 'string' ? [] : same(promptIds(tokenizer, given.slice(0, -1)))),
  ]
  return { ...(found ?? { ids, text: promptText(given), references: [], split: null }), concept: null }
}
