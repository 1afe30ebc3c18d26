/** @module */
import type { JSX } from 'preact'

import { examined } from './state.ts'

/** Rows as the file has them. */
export function RowsTable(): JSX.Element {
  const { columns, sample: rows } = examined.value!
  return (
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
}
