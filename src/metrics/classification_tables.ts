/** @module */
import type { ClassificationReport } from './classification.ts'
import { textTable } from './text_table.ts'

/** Per class, and the confusion matrix. */
export function classTables(name: string, { classes, confusion }: ClassificationReport): string {
  const scores = [
    [`${name}: by class`, 'precision', 'recall', 'F1', 'examples'],
    ...classes.map(({ name: label, precision, recall, f1, support }) => [
      label,
      precision.toFixed(4),
      recall.toFixed(4),
      f1.toFixed(4),
      String(support),
    ]),
  ]
  const matrix = [
    ['actual ↓ predicted →', ...classes.map(({ name }) => name)],
    ...confusion.map((row, c) => [classes[c]!.name, ...row.map(String)]),
  ]
  return `${textTable(scores)}\n${textTable(matrix)}`
}
