/** @module */
import { textTable } from './text_table.ts'
import type { Calibration } from './calibration.ts'

/** How often the model is right beside how often it says it is. */
export function calibrationTable(name: string, { bins }: Calibration): string {
  const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(1)} %`)
  const rows = bins
    .filter(({ count }) => count > 0)
    .map(({ from, to, count, confidence, accuracy }) => [
      `${percent(from)} – ${percent(to)}`,
      String(count),
      percent(confidence),
      percent(accuracy),
    ])
  return textTable([[`${name}, confidence`, 'pairs', 'says', 'is right'], ...rows])
}
