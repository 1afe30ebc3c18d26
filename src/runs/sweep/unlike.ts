/**
 * What keeps the figures of a sweep's runs from comparing.
 * @module
 */
import { listNames } from '../../quote.ts'
import type { RunConfig } from '../config.ts'
import { stagesOf } from '../curriculum/create.ts'
import { evaluatedOn } from '../evaluated_on.ts'
import type { PlannedRun } from './plan.ts'

/** A sentence where runs are of several tasks, or are evaluated on what is another in some of them; none where they compare. */
export function unlike(runs: readonly Pick<PlannedRun, 'config'>[]): readonly string[] {
  const tasks = [...new Set(runs.map(({ config }) => config.task))]
  if (tasks.length > 1)
    return [
      `the runs are of several tasks, ${listNames(tasks)}, and a loss of one does not compare with that of another; compare the runs of each task, or give metric_for_best_model what they have in common`,
    ]
  const judged = runs.flatMap(({ config }) => judgedOn(config))
  const differing = Object.keys(judged[0]!).filter(
    (key) => new Set(judged.map((options) => JSON.stringify(options[key]))).size > 1,
  )
  if (differing.length === 0) return []
  return [
    `the runs differ in what they are evaluated on (${listNames(differing)}), so that their figures do not compare; give ${differing.length > 1 ? 'these' : 'it'} for all of them, and to stages curriculum: { validation: all }`,
  ]
}

/** What a run is evaluated on, or each of its stages. */
function judgedOn(config: RunConfig): readonly Readonly<Record<string, unknown>>[] {
  const parts = config.stages ? stagesOf(config).map((stage) => stage.config) : [config]
  return parts.map((part) => {
    const { eval_data, ...others } = evaluatedOn(part)
    const sources = eval_data.map((source) => ({ ...source, template: source.template ?? part.template }))
    return { eval_data: sources, ...others }
  })
}
