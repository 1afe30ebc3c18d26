/** @module */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

import { count, shortNumber } from '../numbers.ts'
import type { Curve, Point } from './curve.ts'

/** As many rows as one reads. */
const ROWS = 25

interface CurveTableProps {
  readonly title: string
  readonly x: string
  readonly curves: readonly Curve[]
  /** Points at every x that some curve has one at. */
  readonly xs: () => readonly Point[]
}

/** The numbers of a picture, at evenly spaced points where there are many; made when it is opened. */
export function CurveTable({ title, x, curves, xs }: CurveTableProps): JSX.Element {
  const open = useSignal(false)
  return (
    <details class="curve-table" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>
        Numbers<span class="unseen"> of {title}</span>
      </summary>
      {open.value && <Rows title={title} x={x} curves={curves} xs={xs} />}
    </details>
  )
}

function Rows({ title, x, curves, xs: all }: CurveTableProps): JSX.Element {
  const xs = all()
  // Evaluations are few, so that what they lie at is shown first of all.
  const marked = new Set(
    curves.filter(({ marked }) => marked).flatMap(({ points }) => points.map(({ x }) => x)),
  )
  const given = marked.size > 1 ? xs.filter(({ x }) => marked.has(x)) : xs
  const apart = Math.max(1, (given.length - 1) / (ROWS - 1))
  const shown = Array.from({ length: Math.min(ROWS, given.length) }, (_, i) => given[Math.round(i * apart)]!)
  const tables = curves.map(({ name, points }) => ({ name, at: new Map(points.map(({ x, y }) => [x, y])) }))
  return (
    <div class="table-frame" role="region" aria-label={`Numbers of ${title}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{x}</th>
            {tables.map(({ name }) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ x }) => (
            <tr key={x}>
              <th scope="row">{count(x)}</th>
              {tables.map(({ name, at }) => (
                <td key={name}>{at.has(x) ? shortNumber(at.get(x)!) : ''}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
