/** @module */
import { join } from 'node:path'

import { Command, InvalidArgumentError, Option } from 'commander'

import type { Split } from '../data/sets/splits.ts'
import { eachOnce, listenersAsOne } from '../learning/listeners.ts'
import { evaluatedOn } from '../runs/evaluated_on.ts'
import type { EqualBudget } from '../runs/sweep/budgets.ts'
import { BUDGETS } from '../runs/sweep/budgets.ts'
import type { FinalEvaluation, SweepPosition, SweepResult, SweepWatcher } from '../runs/sweep/go.ts'
import type { SweepPlan } from '../runs/sweep/plan.ts'
import { visible } from '../visible_text.ts'
import { duration } from './duration.ts'
import { finishOnSignal, underWay } from './interruption.ts'
import { keepResult } from './keep_result.ts'
import { keyHelp } from './key_help.ts'
import { realNumber, wholeNumber } from './number_argument.ts'

interface SweepFlags {
  random?: number
  seed: number
  runs?: number
  minutes?: number
  split?: FinalSplit
  equal?: EqualBudget[]
  retry?: boolean
  out?: string
  json?: boolean
}

/** `tokens`, `seconds` or `tokens,seconds`. */
function equalBudgets(text: string): EqualBudget[] {
  const found = BUDGETS.filter((budget) => text.split(',').includes(budget))
  if (found.length === text.split(',').length) return found
  throw new InvalidArgumentError(`choose ${BUDGETS.join(', ')} or ${BUDGETS.join()}`)
}

type FinalSplit = Extract<Split, 'validation' | 'test'>

/** `ortune sweep config.yaml key=value,value … key=log:low:high …` */
export const sweepCommand = (): Command =>
  new Command('sweep')
    .argument('<config>', 'YAML file with the options that the runs share')
    .argument(
      '[overrides...]',
      'options with several values, such as lora.r=4,8 seed=1,2,3, or with a range to draw from, such as learning_rate=log:1e-5:1e-3 or weight_decay=lin:0:0.1; one value is for all runs',
    )
    .option('--random <n>', 'draw so many combinations (default: all of the grid)', wholeNumber({ from: 1 }))
    .option('--seed <n>', 'what draws', wholeNumber({ from: 0 }), 0)
    .option('--runs <n>', 'end after so many runs, those of earlier calls included', wholeNumber({ from: 1 }))
    .option(
      '--minutes <m>',
      'begin no run after so many minutes of runs, those of earlier calls included',
      realNumber({ from: 0 }),
    )
    .addOption(
      new Option('--split <name>', 'evaluate the best checkpoint of each run on this data, too').choices([
        'validation',
        'test',
      ] satisfies FinalSplit[]),
    )
    .option(
      '--equal <what>',
      'compare all metrics at equal tokens, at equal seconds of training, or at both: tokens,seconds',
      equalBudgets,
    )
    .option('--retry', 'try runs again that failed')
    .option('--out <folder>', "the sweep's folder (default: the file's output_dir with -sweep behind)")
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  ortune sweep data/dictionary.yaml learning_rate=1e-4,3e-4 lora.r=4,8 seed=1,2,3\n' +
        '  ortune sweep data/dictionary.yaml learning_rate=log:1e-5:1e-3 lora.r=4,8 \\\n    --random 20 --minutes 60\n\n' +
        'Stopped or killed, it goes on by the same command. Values with commas stand in\n' +
        'brackets or quotes: lora.target_modules=[c_attn],[c_attn,c_proj].',
    )
    .addHelpText('after', ({ command }) => keyHelp('sweep', command.args))
    .action(async (path: string, given: string[], flags: SweepFlags) => {
      const { readMapping, wholeKeys, withShippedData } = await import('./config_file.ts')
      const { readVariants } = await import('../runs/variants.ts')
      const { readAxis } = await import('../runs/sweep/axis.ts')
      const { planSweep } = await import('../runs/sweep/plan.ts')
      const { goOn } = await import('../runs/sweep/go.ts')
      const { random, seed, runs, minutes, split, equal = [], retry, out, json = false } = flags
      const file = withShippedData(path, await readMapping(path), given)
      const whole = wholeKeys(given, file, readVariants(path, file).variants)
      const plan = await planSweep({
        ...{ path, file, axes: whole.map(readAxis), out },
        draws: random === undefined ? undefined : { count: random, seed },
      })
      const final = split === undefined ? undefined : await finalEvaluation(plan, split)
      const watcher = await sweepProgress(plan, random)
      const result = await goOn(plan, {
        ...{
          budget: { runs, seconds: minutes === undefined ? undefined : minutes * 60 },
          retry,
          final,
          watcher,
        },
        finishing: (work) => finishOnSignal(work, 'the same command goes on; '),
      })
      await printSweep(plan, result, { equal, json })
      if (result.stopped !== 'interrupted') process.exitCode = 0
    })

/** Judges best checkpoints as `ortune evaluate` does, without texts. Throws UserError for a task that cannot be judged so. */
async function finalEvaluation({ out, runs }: SweepPlan, split: FinalSplit): Promise<FinalEvaluation> {
  const { UserError } = await import('../errors.ts')
  const { evaluateRun } = await import('../evaluation/evaluate_run.ts')
  const { taskNamed } = await import('../tasks/index.ts')
  for (const { config } of runs) {
    const { evaluation } = await taskNamed(config.task).work()
    if ('instead' in evaluation) throw new UserError(`--split: ${evaluation.instead(join(out, '…'))}`)
  }
  return {
    split,
    async evaluate(run) {
      const found = await evaluateRun(run, split)
      const { evaluation } = await taskNamed(found.task).work()
      const figures = 'figures' in evaluation ? evaluation.figures(found) : []
      return Object.fromEntries(figures.map(([name, value]) => [name, value]))
    },
  }
}

/** How far the sweep is, on standard error. */
async function sweepProgress(plan: SweepPlan, random: number | undefined): Promise<SweepWatcher> {
  const { trainingProgress } = await import('./training_progress.ts')
  const { valueLabel } = await import('../runs/sweep/names.ts')
  const { unlike } = await import('../runs/sweep/unlike.ts')
  const clear = process.stderr.isTTY ? '\r\x1b[2K' : ''
  const say = (sentence: string) => process.stderr.write(`${clear}${visible(sentence)}\n`)
  const note = eachOnce(say)
  return {
    note,
    begin({ of, done, others }) {
      const beside =
        others === 0 ? '' : `; ${counted(others)} of other values ${others === 1 ? 'stays' : 'stay'} beside`
      say(`${plan.out}: ${counted(of)}${done === 0 ? '' : `, ${done} done before`}${beside}`)
      if (random !== undefined && new Set(plan.runs.map(({ config }) => withoutSeed(config))).size < random)
        note(`the values given have fewer than ${random} combinations; all that were found are taken`)
      for (const sentence of unlike(plan.runs)) note(sentence)
      const drawn = evaluatedOn(plan.runs[0].config).eval_data.some(({ split }) => 'validation' in split)
      if (drawn && plan.axes.some(({ key }) => key === 'seed'))
        note(
          'the seed draws the validation rows, too, so that runs of different seeds are measured on different ones; split by a column to keep them',
        )
    },
    run({ number, of, values, resumed, secondsLeft }: SweepPosition) {
      const options = Object.entries(values).map(([key, value]) => `${key}=${valueLabel(value)}`)
      const left = secondsLeft === undefined ? '' : `  (about ${duration(secondsLeft)} left)`
      process.stderr.write('\n')
      say(`run ${number} of ${of}${resumed ? ', which goes on' : ''}: ${options.join(' ')}${left}`)
    },
    row({ error }) {
      if (error !== null) say(`failed: ${error.split('\n')[0]}`)
    },
    listener: () => listenersAsOne([underWay, { ...trainingProgress(), note }]),
  }
}

const withoutSeed = (config: object): string => JSON.stringify({ ...config, seed: 0 })

const counted = (count: number): string => `${count.toLocaleString('en')} run${count === 1 ? '' : 's'}`

/** Draws the runs, and prints their table, or all that is known of them. */
async function printSweep(
  { out, runs: planned }: SweepPlan,
  result: SweepResult,
  { equal, json }: { readonly equal: readonly EqualBudget[]; readonly json: boolean },
): Promise<void> {
  const { fromBest, overSeeds } = await import('../runs/sweep/compare.ts')
  const { atEqual } = await import('../runs/sweep/equal.ts')
  const { equalTable, sweepTable } = await import('../report/sweep_table.ts')
  const { runs, scales, left, stopped } = result
  const order = new Map(planned.map(({ digest }, i) => [digest, i]))
  const inOrder = runs
    .filter(({ digest }) => order.has(digest))
    .sort((a, b) => order.get(a.digest)! - order.get(b.digest)!)
  const comparisons = equal.map((by) => atEqual(inOrder, by))
  const best = fromBest(runs).find(({ best_metric }) => best_metric !== null)
  await keepResult(
    () => drawSweep(out, result),
    (picture = null) => {
      if (json) {
        const { metric_for_best_model: metric } = planned[0].config
        const found = {
          out,
          metric,
          keys: Object.keys(scales),
          runs: fromBest(runs),
          over_seeds: overSeeds(runs),
          ...(equal.length === 0 ? {} : { equal: comparisons }),
        }
        const paths = { best: best === undefined ? null : join(out, best.run), picture }
        process.stdout.write(`${JSON.stringify({ ...found, ...paths, left, stopped })}\n`)
        return
      }
      process.stdout.write(
        `\n${sweepTable(runs)}\n` +
          comparisons.map((comparison) => `${equalTable(comparison)}\n`).join('') +
          (best === undefined ? '' : `  best     ${join(out, best.run)}\n`) +
          (picture === null ? '' : `  picture  ${picture}\n`) +
          (stopped === null ? '' : `${counted(left)} left: ${REASONS[stopped]}\n`),
      )
    },
  )
}

const REASONS: Readonly<Record<NonNullable<SweepResult['stopped']>, string>> = {
  interrupted: 'it was interrupted; the same command goes on',
  runs: 'there are as many as --runs allows; give more to go on',
  minutes: 'the minutes of --minutes are spent; give more to go on',
}

/** Null where there is nothing to draw yet. */
async function drawSweep(out: string, { runs, scales }: SweepResult): Promise<string | null> {
  if (runs.length === 0) return null
  const { parallelCoordinates } = await import('../report/parallel_coordinates.ts')
  const { writeFileAtomic } = await import('../formats/atomic.ts')
  const picture = join(out, 'sweep.svg')
  await writeFileAtomic(picture, await parallelCoordinates(runs, scales, out))
  return picture
}
