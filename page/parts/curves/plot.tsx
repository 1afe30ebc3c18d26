/** @module */
import type { JSX } from 'preact'

import { count, shortNumber } from '../numbers.ts'
import type { Curve, Point } from './curve.ts'
import type { Picture } from './drawn.ts'

interface PlotProps {
  readonly id: string
  readonly title: string
  readonly description: string
  /** What x counts. */
  readonly unit: string
  readonly picture: Picture
  readonly rules: readonly { readonly x: number; readonly name: string }[]
  /** The x that is read. */
  readonly at: number | undefined
  readonly marks: readonly { readonly curve: Curve; readonly colour: string; readonly point?: Point }[]
}

/** The axes and what is on them. */
export function Plot({ id, title, description, unit, picture, rules, at, marks }: PlotProps): JSX.Element {
  const { width, height, left, top, innerWidth, innerHeight, x, y, lines, placed } = picture
  const bottom = top + innerHeight
  const read = at === undefined ? undefined : placed({ x: at, y: 0 }).x
  return (
    <svg
      class="plot-picture"
      role="img"
      aria-labelledby={`${id}-name ${id}-words`}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
    >
      <title id={`${id}-name`}>{title}</title>
      <desc id={`${id}-words`}>{description}</desc>
      <g class="grid" aria-hidden="true">
        {y.ticks.map((tick) => {
          const at = placed({ x: x.least, y: tick }).y
          return (
            <g key={tick}>
              <path d={`M${left} ${at.toFixed(1)}h${innerWidth}`} />
              <text x={left - 8} y={at} dy="0.320em" text-anchor="end">
                {shortNumber(tick)}
              </text>
            </g>
          )
        })}
      </g>
      <g class="axis" aria-hidden="true">
        {x.ticks.map((tick) => (
          <text key={tick} x={placed({ x: tick, y: 0 }).x} y={height - 6} text-anchor="middle">
            {tickWords(tick, x.ticks)}
          </text>
        ))}
      </g>
      {rules.map(({ x: at, name }) => (
        <g
          class="rule"
          key={`${at} ${name}`}
          transform={`translate(${placed({ x: at, y: 0 }).x.toFixed(1)})`}
        >
          <path d={`M0 ${top}V${bottom}`} />
          <text x="4" y={top + 8}>
            {name}
          </text>
        </g>
      ))}
      {lines.map(({ curve, colour, faint, line, marks }) => (
        <g class={`line curve-${colour}`} key={curve.name}>
          {faint !== undefined && <path class="faint" d={faint} />}
          <path d={line} />
          {marks.map((mark) => (
            <circle key={mark.x} cx={mark.x.toFixed(1)} cy={mark.y.toFixed(1)} r="3.500" />
          ))}
        </g>
      ))}
      {read !== undefined && (
        <g class="read" aria-hidden="true">
          <path d={`M${read.toFixed(1)} ${top}V${bottom}`} />
          {marks.map(({ curve, colour, point }) => {
            if (!point) return null
            const mark = placed(point)
            return (
              <circle
                key={curve.name}
                class={`curve-${colour}`}
                cx={mark.x.toFixed(1)}
                cy={mark.y.toFixed(1)}
                r="4.500"
              />
            )
          })}
          <text
            x={read > width - 90 ? read - 6 : read + 6}
            y={bottom - 6}
            text-anchor={read > width - 90 ? 'end' : 'start'}
          >
            {`${unit.split(' ').at(-1)} ${count(at!)}`}
          </text>
        </g>
      )}
    </svg>
  )
}

/** All of an axis in thousands, or none. */
const tickWords = (tick: number, ticks: readonly number[]): string =>
  ticks.at(-1)! >= 10_000 && tick !== 0 ? `${Number((tick / 1000).toFixed(1))}k` : count(tick)
