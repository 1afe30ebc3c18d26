/** @module */

/** Metrics of the validation data, under the names that a log has them by. */
export const forEvaluation = (metrics: Readonly<Record<string, number>>): Record<`eval_${string}`, number> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`eval_${name}`, value]))
