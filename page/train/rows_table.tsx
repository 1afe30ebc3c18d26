/** @module */
import type { JSX } from 'preact'

interface RowsTableProps {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, string>>[]
}

/** Rows as a file has them. */
export const RowsTable = ({ columns, rows }: RowsTableProps): JSX.Element => (
  <div class="table-frame rows" role="region" aria-label="The first rows" tabIndex={0}>
    <table>
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col" key={column}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>
            {columns.map((column) => (
              <td key={column}>{row[column]}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
