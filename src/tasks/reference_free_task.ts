/** @module */
import type { z } from 'zod'

import { pairsRefuse, rewardsCurves } from './pair_facts.ts'
import type { ReferenceFree, ReferenceFreeEvaluation, ReferenceFreeGraphs } from './reference_free.ts'
import type { Task } from './task.ts'

/** What a task without a reference brings. */
export interface ReferenceFreeTask<
  Options extends object,
  Names extends string,
> extends ReferenceFree<Names> {
  readonly name: string
  readonly summary: string
  readonly rates?: Task['rates']
  /** All of which its graphs depend on. */
  readonly options: z.ZodType<Options>
  readonly graphs: () => Promise<ReferenceFreeGraphs<Options>>
}

export const referenceFreeTask = <Options extends object, Names extends string>({
  name,
  summary,
  options,
  rates,
  graphs,
  ...learns
}: ReferenceFreeTask<Options, Names>): Task<Options, Options, ReferenceFreeEvaluation<Names>> => ({
  summary,
  options,
  graphOptions: options,
  learnsFrom: 'preference',
  head: 'language',
  metrics: ['eval_rewards/accuracies', 'eval_rewards/margins'],
  ...(rates ? { rates } : {}),
  refuses: pairsRefuse(name),
  curves: rewardsCurves('pairs where the chosen answer is the likelier one'),
  async work() {
    const { referenceFreeWork } = await import('./reference_free.ts')
    return referenceFreeWork(learns, await graphs())
  },
})
