/**
 * Line charts that live: of a loss, say, over the steps of a training run.
 *
 * A pointer or the arrow keys read it step by step; the legend says the values. Beside it stands a table of the same numbers.
 * @module
 */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useId, useMemo, useRef } from 'preact/hooks'

import { count, shortNumber } from '../numbers.ts'
import { CurveTable } from './curve_table.tsx'
import type { Curve, Point } from './curve.ts'
import { merged, nearest } from './curve.ts'
import { drawn } from './drawn.ts'
import { Plot } from './plot.tsx'
import { useWidth } from './use_width.ts'

export interface CurvesProps {
  readonly title: string
  /** What x counts, such as `optimizer step`. */
  readonly x: string
  readonly curves: readonly Curve[]
  /** Whether numbers ≥ 0 are drawn by their order of magnitude. */
  readonly decades?: boolean
  /** Whether the upright axis begins at 0. */
  readonly fromZero?: boolean
  /** Where something new begins, such as a stage of a curriculum. */
  readonly rules?: readonly { readonly x: number; readonly name: string }[]
  /** Pixels. */
  readonly height?: number
  /** Of its title. */
  readonly level?: 'h2' | 'h3' | 'h4'
}

/** One set of axes with its curves, legend and table. */
export function Curves(props: CurvesProps): JSX.Element {
  const { title, x: unit, curves, rules = [], height = 220, level: Heading = 'h3' } = props
  const id = useId()
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const read = useSignal<number | undefined>(undefined)
  const picture = useMemo(
    () => drawn(props, width, height),
    [curves, width, height, props.decades, props.fromZero],
  )
  // Made when it is read, since it takes as long as there are points.
  const xs = useMemo(() => once(() => allX(curves)), [curves])
  const at = read.value === undefined ? undefined : nearest(xs(), read.value)?.x
  const shown = picture.lines.map(({ curve, colour, points }) => ({
    curve,
    colour,
    point: at === undefined ? points.at(-1) : nearest(points, at),
  }))
  const words = shown
    .map(({ curve, point }) => `${curve.name} ${point ? shortNumber(point.y) : 'none'}`)
    .join(', ')

  const ends = curves.flatMap(({ points }) => (points.length === 0 ? [] : [points[0]!.x, points.at(-1)!.x]))
  const [first, last] = [Math.min(...ends), Math.max(...ends)]
  const move = (event: PointerEvent & { readonly currentTarget: Element }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width))
    read.value = picture.x.least + share * (picture.x.most - picture.x.least)
  }
  const press = (event: KeyboardEvent) => {
    const to = keyed(event.key, xs(), at)
    if (to === undefined) return
    event.preventDefault()
    read.value = to === 'none' ? undefined : to
  }

  return (
    <figure class="curves" aria-labelledby={`${id}-title`}>
      <figcaption class="curves-head">
        <Heading id={`${id}-title`}>{title}</Heading>
        <ul class="legend">
          {shown.map(({ curve, colour, point }) => (
            <li key={curve.name} class={`curve-${colour}`}>
              <Swatch marked={curve.marked ?? false} />
              {curve.name}
              <span class="legend-value">{point ? shortNumber(point.y) : '–'}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={frame}>
        {ends.length > 0 && (
          <>
            <Plot
              id={id}
              title={title}
              unit={unit}
              description={`Over ${unit}s ${count(first)} to ${count(last)}; at the last: ${words}.`}
              picture={picture}
              rules={rules}
              at={at}
              marks={at === undefined ? [] : shown}
            />
            <div
              class="plot-reader"
              role="slider"
              tabIndex={0}
              aria-label={`${title}: read it at a ${unit}`}
              aria-valuemin={first}
              aria-valuemax={Math.max(last, first)}
              aria-valuenow={at ?? last}
              aria-valuetext={`${unit} ${count(at ?? last)}: ${words}`}
              style={{
                left: `${picture.left}px`,
                top: `${picture.top}px`,
                width: `${picture.innerWidth}px`,
                height: `${picture.innerHeight}px`,
              }}
              onPointerMove={move}
              onPointerDown={move}
              onPointerLeave={() => (read.value = undefined)}
              onBlur={() => (read.value = undefined)}
              onKeyDown={press}
            />
          </>
        )}
      </div>
      {ends.length > 0 && <CurveTable title={title} x={unit} curves={curves} xs={xs} />}
    </figure>
  )
}

/** The line, or the point, as it is drawn. */
const Swatch = ({ marked }: { readonly marked: boolean }): JSX.Element => (
  <svg class="swatch" viewBox="0 0 18 10" aria-hidden="true">
    <path d="M1 5h16" />
    {marked && <circle cx="9" cy="5" r="3.500" />}
  </svg>
)

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** Points at every x that some curve has one at. */
const allX = (curves: readonly Curve[]): readonly Point[] =>
  curves.map(({ points }) => points).reduce(merged, [])

/** Where a key leads from one x: an arrow to the next, a page a tenth further. */
function keyed(key: string, xs: readonly Point[], at: number | undefined): number | 'none' | undefined {
  if (key === 'Escape') return 'none'
  const last = xs.length - 1
  const here = at === undefined ? last : xs.findIndex(({ x }) => x === at)
  const page = Math.max(1, Math.round(xs.length / 10))
  const to = (
    {
      ...{ ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1 },
      ...{ PageDown: here - page, PageUp: here + page, Home: 0, End: last },
    } as Readonly<Record<string, number>>
  )[key]
  return to === undefined ? undefined : xs[Math.min(last, Math.max(0, to))]!.x
}
