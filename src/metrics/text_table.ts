/** @module */

/**
 * Columns aligned by blanks: the first to the left, the others to the right.
 *
 * @param rows cells by row; the first row may be a heading
 */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
