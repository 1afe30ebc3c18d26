/** What is drawn, and how it is made small enough to be. @module */

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Curve {
  readonly name: string
  /** By x, ascending. */
  readonly points: readonly Point[]
  /** Few points that stand for themselves, such as evaluations; else a line, drawn faintly where it is smoothed over. */
  readonly marked?: boolean
  /** Whether a smooth line is drawn over it; true where it is not said, for what is not marked. */
  readonly smooth?: boolean
}

/** How many neighbours a point of the smooth line is made from, as a share of all. */
const WINDOW = 1 / 12

/**
 * Per point, the straight line that fits its neighbours best, at that point (local linear regression; Cleveland 1979): in the middle their
 * mean, and at the ends, where one side lacks, neither behind a curve that falls nor as restless as its last point.
 *
 * ȳ + (x − x̄)·Σ(xᵢ − x̄)(yᵢ − ȳ) / Σ(xᵢ − x̄)², the x being places in the row
 */
export function smoothed(all: readonly Point[]): readonly Point[] {
  const points = grouped(all)
  const most = Math.max(1, Math.floor((points.length * WINDOW) / 2))
  const count = Math.min(points.length, 2 * most + 1)
  const spread = (count * (count ** 2 - 1)) / 12
  const sums = new Float64Array(points.length + 1)
  const moments = new Float64Array(points.length + 1)
  for (let i = 0; i < points.length; i++) {
    const { y } = points[i]!
    sums[i + 1] = sums[i]! + y
    moments[i + 1] = moments[i]! + i * y
  }
  return points.map(({ x }, i) => {
    const from = Math.min(Math.max(0, i - most), points.length - count)
    const middle = from + (count - 1) / 2
    const sum = sums[from + count]! - sums[from]!
    const slope = count > 1 ? (moments[from + count]! - moments[from]! - middle * sum) / spread : 0
    return { x, y: sum / count + slope * (i - middle) }
  })
}

/** As many points as a smooth line is made of; of more, neighbours are averaged. */
const POINTS = 2000

/** Means of as many neighbours each, at the place of the last. */
function grouped(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / POINTS)
  if (size <= 1) return points
  return Array.from({ length: Math.ceil(points.length / size) }, (_, group) => {
    const [from, to] = [group * size, Math.min((group + 1) * size, points.length)]
    let sum = 0
    for (let i = from; i < to; i++) sum += points[i]!.y
    return { x: points[to - 1]!.x, y: sum / (to - from) }
  })
}

/**
 * As many points as a picture can tell apart: of each of so many stretches of x the first, the least, the greatest and the last one, in
 * their order. What it draws is what all would have drawn.
 */
export function thinned(points: readonly Point[], stretches: number): readonly Point[] {
  if (points.length <= 4 * stretches) return points
  const from = points[0]!.x
  const width = (points.at(-1)!.x - from || 1) / stretches
  const kept: Point[] = []
  let begin = 0
  while (begin < points.length) {
    const stretch = Math.floor((points[begin]!.x - from) / width)
    let end = begin
    let [least, most] = [begin, begin]
    while (end < points.length && Math.floor((points[end]!.x - from) / width) === stretch) {
      if (points[end]!.y < points[least]!.y) least = end
      if (points[end]!.y > points[most]!.y) most = end
      end++
    }
    const chosen = new Set([begin, Math.min(least, most), Math.max(least, most), end - 1])
    for (const i of chosen) kept.push(points[i]!)
    begin = end
  }
  return kept
}

/** The point whose x is nearest. */
export function nearest(points: readonly Point[], x: number): Point | undefined {
  let [low, high] = [0, points.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (points[middle]!.x < x) low = middle + 1
    else high = middle
  }
  const [before, after] = [points[low - 1], points[low]]
  if (!before || !after) return after ?? before
  return x - before.x <= after.x - x ? before : after
}

/** Both in one order; of two points with the same x the first one's. */
export function merged(one: readonly Point[], other: readonly Point[]): readonly Point[] {
  const all: Point[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    const [a, b] = [one[i]?.x ?? Infinity, other[j]?.x ?? Infinity]
    all.push(a <= b ? one[i]! : other[j]!)
    if (a <= b) i++
    if (b <= a) j++
  }
  return all
}
