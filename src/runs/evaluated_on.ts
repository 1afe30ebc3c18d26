/** @module */
import type { RunConfig } from './config.ts'

type Evaluated = 'eval_data' | 'eval_filter' | 'eval_max_length'

/** What a run is evaluated on: by the options of its own for it, and otherwise by those of what it learns from. */
export const evaluatedOn = (
  config: Pick<RunConfig, 'data' | 'filter' | 'max_length' | Evaluated>,
): { readonly [K in Evaluated]: NonNullable<RunConfig[K]> } => ({
  eval_data: config.eval_data ?? config.data,
  eval_filter: config.eval_filter ?? config.filter ?? true,
  eval_max_length: config.eval_max_length ?? config.max_length ?? 'context',
})

/** What of it a run has as it learns from it. */
export const AS_LEARNED = { eval_data: null, eval_filter: null, eval_max_length: null } as const
