/** From curves to paths. @module */
import { shortNumber } from '../numbers.ts'
import type { Axis } from './axis.ts'
import { decades, linear, steps } from './axis.ts'
import type { Curve, Point } from './curve.ts'
import { smoothed, thinned } from './curve.ts'

export interface DrawnLine {
  readonly curve: Curve
  /** The name of its colour in the styles. */
  readonly colour: string
  /** What is read at an x: the smooth line, where there is one. */
  readonly points: readonly Point[]
  /** As it is, faintly; of what is smoothed. */
  readonly faint?: string
  readonly line: string
  /** Pixels. */
  readonly marks: readonly Point[]
}

export interface Picture {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly top: number
  readonly innerWidth: number
  readonly innerHeight: number
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly DrawnLine[]
  /** Pixels, from numbers. */
  readonly placed: (point: Point) => Point
}

interface Drawing {
  readonly curves: readonly Curve[]
  readonly decades?: boolean
  readonly fromZero?: boolean
}

/** One colour for one thing, on all pictures. */
const COLOURS: Readonly<Record<string, string>> = { training: '1', validation: '2', 'learning rate': 'quiet' }
const OTHERS = ['3', '4', '6', '5', '1', '2'] as const

/** Pixels: of a letter beside an axis, and around the axes. */
const LETTER = 7
const [TOP, RIGHT, BOTTOM] = [8, 12, 24]

/** Lays out a picture of so many pixels. */
export function drawn({ curves, ...how }: Drawing, width: number, height: number): Picture {
  const others = curves.map(({ name }) => name).filter((name) => !Object.hasOwn(COLOURS, name))
  const read = curves.map((curve) => ({
    curve,
    isSmooth: (curve.smooth ?? curve.marked !== true) && curve.points.length > 60,
  }))
  const [xs, ys] = [extent(curves, 'x'), extent(curves, 'y')]
  const x = steps(Math.min(0, xs[0]), xs[1], Math.max(2, Math.round(width / 90)))
  const y = how.decades ? decades(ys[1]) : linear(how.fromZero ? Math.min(0, ys[0]) : ys[0], ys[1])
  const left = LETTER * Math.max(3, ...y.ticks.map((tick) => shortNumber(tick).length)) + 10
  const [innerWidth, innerHeight] = [Math.max(40, width - left - RIGHT), height - TOP - BOTTOM]
  const placed = (point: Point): Point => ({
    x: left + x.place(point.x) * innerWidth,
    y: TOP + (1 - y.place(point.y)) * innerHeight,
  })
  const path = (points: readonly Point[]): string =>
    thinned(points, Math.ceil(innerWidth / 2))
      .map(placed)
      .map((at, i) => `${i === 0 ? 'M' : 'L'}${at.x.toFixed(1)} ${at.y.toFixed(1)}`)
      .join('')
  return {
    ...{ width, height, left, top: TOP, innerWidth, innerHeight, x, y, placed },
    lines: read.map(({ curve, isSmooth }) => {
      const points = isSmooth ? smoothed(curve.points) : curve.points
      const alone = points.length === 1
      return {
        curve,
        colour: COLOURS[curve.name] ?? OTHERS[others.indexOf(curve.name) % OTHERS.length]!,
        points,
        ...(isSmooth ? { faint: path(curve.points) } : {}),
        line: path(points),
        marks: curve.marked === true || alone ? thinned(curve.points, innerWidth / 12).map(placed) : [],
      }
    }),
  }
}

function extent(curves: readonly Curve[], key: 'x' | 'y'): readonly [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity]
  for (const { points } of curves)
    for (const point of points) {
      least = Math.min(least, point[key])
      most = Math.max(most, point[key])
    }
  return least > most ? [0, 1] : [least, most]
}
