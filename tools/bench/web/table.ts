/** @module */
import { textTable } from '../../../src/metrics/text_table.ts'
import { median } from '../measure.ts'
import type { SideSteps, WebComparison } from './compare.ts'

/** Per workload the time and speed of each side, and the median over the pairs of steps of how many times as fast ortune's is. */
export function webTable(results: readonly WebComparison[]): string {
  if (results.length === 0) return ''
  const header = ['in a browser', 'ms/step', 'tok/s', 'jax-js ms/step', 'tok/s', 'speed ×', 'last losses']
  const speed = ({ seconds_per_step, tokens_per_second }: SideSteps) => [
    (1000 * seconds_per_step).toFixed(0),
    tokens_per_second.toFixed(0),
  ]
  return textTable([
    header,
    ...results.map(({ name, ortune, jax }) => [
      name,
      ...speed(ortune),
      ...speed(jax),
      median(jax.all.map((seconds, i) => seconds / ortune.all[i]!)).toFixed(2),
      [ortune, jax].map(({ losses }) => losses.at(-1)!.toFixed(5)).join(' / '),
    ]),
  ])
}
