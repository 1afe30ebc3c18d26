/** @module */
import { columnsOf, visible } from '../visible_text.ts'

/**
 * Columns aligned by blanks: the first to the left, the others to the right.
 *
 * @param rows cells by row; the first row may be a heading
 */
export function textTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(visible))
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => columnsOf(row[column]!))))
  return cells
    .map((row) =>
      row
        .map((cell, column) => {
          const blanks = ' '.repeat(widths[column]! - columnsOf(cell))
          return column === 0 ? cell + blanks : blanks + cell
        })
        .join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
