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

/** How many neighbours a point of the smooth line is the mean of, as a share of all. */
const WINDOW = 1 / 30

/** Per point, the mean with as many neighbours on either side, fewer towards the ends: it does not lag behind a curve that falls. */
export function smoothed(points: readonly Point[]): readonly Point[] {
  const most = Math.floor((points.length * WINDOW) / 2)
  const sums = new Float64Array(points.length + 1)
  points.forEach(({ y }, i) => (sums[i + 1] = sums[i]! + y))
  return points.map(({ x }, i) => {
    const reach = Math.min(most, i, points.length - 1 - i)
    return { x, y: (sums[i + reach + 1]! - sums[i - reach]!) / (2 * reach + 1) }
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
