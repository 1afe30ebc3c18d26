/** @module */
import { Command } from 'commander'

import { withoutMarks } from '../data/templates/end_of_text.ts'
import type { AnswerTexts, GivenPair } from '../data/templates/given_answers.ts'
import type { CheckpointName } from '../models/find_model.ts'
import type { ScoredSample, Scorer } from '../models/open_scorer.ts'
import { checkpointOption } from './checkpoint_option.ts'
import type { DeviceFlags } from './device_option.ts'
import { deviceOf, providerOption, threadsOption } from './device_option.ts'

interface ScoreFlags extends DeviceFlags {
  prompt?: string
  response?: string[]
  file?: string
  checkpoint?: CheckpointName
  json?: boolean
}

/** As the model read them, but for the mark of the end of text. */
interface ScoredResponse extends ScoredSample {
  readonly score: number
}

interface ScoredPair extends GivenPair {
  readonly scores: { readonly chosen: number; readonly rejected: number }
}

/** `ortune score <folder>` */
export const scoreCommand = (): Command =>
  new Command('score')
    .argument(
      '<folder>',
      'folder of a run (its best checkpoint is used), a checkpoint or an exported reward model',
    )
    .option(
      '--prompt <text>',
      "what the responses answer, or a JSON object of the columns that the run's template reads",
    )
    .option('--response <text...>', 'a response to score')
    .option(
      '--file <path>',
      "rows (.jsonl, .csv, .tsv, .json or .parquet) of the template's columns, with a response in place of the two answers or with both",
    )
    .addOption(checkpointOption())
    .addOption(providerOption())
    .addOption(threadsOption())
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      `\nExamples:\n  ortune score runs/reward --prompt '{"word": "dog", "part_of_speech": ""}' --response "a canine" "a kind of"\n` +
        '  ortune score runs/reward --file pairs.csv\n\n' +
        "An exported reward model has no template: texts are read as they are, so write them as the run's template did,\n" +
        'with <|endoftext|> where a response ends.',
    )
    .action(async (folder: string, flags: ScoreFlags) => {
      const { compileAnswerTexts } = await import('../data/templates/given_answers.ts')
      const { kinds } = await import('../data/kinds/index.ts')
      const { openScorer } = await import('../models/open_scorer.ts')
      const { templatesOfRun } = await import('../runs/templates.ts')
      const { checkpoint } = flags
      const scorer = await openScorer(folder, { checkpoint, ...(await deviceOf(flags)) })
      if (scorer.regression)
        process.stderr.write(
          `${folder} is a regression model by its config.json, not a reward model: its numbers are what it was trained to estimate\n`,
        )
      try {
        const texts = compileAnswerTexts(
          (await templatesOfRun(folder)).find(kinds.preference.fits),
          scorer.tokenizer,
        )
        const given = await readGiven(flags, texts)
        const responses = await scoreResponses(scorer, given.responses)
        const pairs = await scorePairs(scorer, given.pairs)
        const accuracy = pairs.length === 0 ? null : pairs.filter(wins).length / pairs.length
        process.stdout.write(
          flags.json
            ? `${JSON.stringify({ model: folder, responses, pairs, accuracy })}\n`
            : await table(responses, pairs),
        )
      } finally {
        await scorer.release()
      }
    })

interface Given {
  readonly responses: ScoredSample[]
  readonly pairs: GivenPair[]
}

/** @throws UserError where nothing is given, a prompt goes without response, or a row has neither form */
async function readGiven({ prompt, response = [], file }: ScoreFlags, texts: AnswerTexts): Promise<Given> {
  const { UserError } = await import('../errors.ts')
  const { readRows } = await import('../data/sources/read_rows.ts')
  if (prompt !== undefined && response.length === 0)
    throw new UserError('there is a prompt and no response to it; give --response')
  const rendered = response.length > 0 ? texts.prompt(prompt) : ''
  const given: Given = {
    responses: response.map((text) => ({ prompt: rendered, response: texts.response(text) })),
    pairs: [],
  }
  if (file !== undefined) {
    let number = 0
    for await (const row of readRows(file)) {
      const found = texts.row(row, `${file}, row ${++number}`)
      if ('response' in found) given.responses.push(found)
      else given.pairs.push(found)
    }
  }
  if (given.responses.length + given.pairs.length === 0)
    throw new UserError('there is no response to score; give --prompt and --response, or --file')
  return given
}

async function scoreResponses(scorer: Scorer, samples: readonly ScoredSample[]): Promise<ScoredResponse[]> {
  const scores = await scorer.score(samples)
  return samples.map(({ prompt, response }, i) => ({
    prompt: withoutMarks(prompt),
    response: withoutMarks(response),
    score: scores[i]!,
  }))
}

async function scorePairs(scorer: Scorer, pairs: readonly GivenPair[]): Promise<ScoredPair[]> {
  const answers = pairs.flatMap(({ prompt, chosen, rejected }) =>
    [chosen, rejected].map((response) => ({ prompt, response })),
  )
  const scores = await scorer.score(answers)
  return pairs.map(({ prompt, chosen, rejected }, i) => ({
    prompt: withoutMarks(prompt),
    chosen: withoutMarks(chosen),
    rejected: withoutMarks(rejected),
    scores: { chosen: scores[2 * i]!, rejected: scores[2 * i + 1]! },
  }))
}

const wins = ({ scores }: ScoredPair): boolean => scores.chosen > scores.rejected

/** A rendered text as a person writes it. */

/** Columns that are shown of a text. */
const SHOWN = 70

async function table(responses: readonly ScoredResponse[], pairs: readonly ScoredPair[]): Promise<string> {
  const { cutToColumns, visible } = await import('../visible_text.ts')
  const shown = (text: string) => cutToColumns(visible(text.trim()), SHOWN)[0]!
  const number = (score: number) => score.toFixed(3).padStart(9)
  const scored = responses.map(({ response, score }) => `${number(score)}  ${shown(response)}\n`)
  const compared = pairs.map((pair) => {
    const { chosen, rejected } = pair.scores
    const winner = wins(pair) ? 'chosen  ' : 'rejected'
    return `${number(chosen)}${number(rejected)}  ${winner}  ${shown(pair.prompt)}\n`
  })
  const right = pairs.filter(wins).length
  const share = `accuracy ${((100 * right) / pairs.length).toFixed(1)} % (${right} of ${pairs.length} pairs)\n`
  return [
    ...(scored.length > 0 ? ['    score  response\n', ...scored] : []),
    ...(compared.length > 0 ? ['   chosen rejected  better    prompt\n', ...compared, share] : []),
  ].join('')
}
