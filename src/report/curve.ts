/** @module */

export interface Point {
  readonly step: number
  readonly value: number
}

/** A curve of as many points at most; of more, neighbours are averaged in groups of two, four, eight … */
const POINTS = 500

/** A point that stands for some: their mean, at the step of the last. */
interface Group extends Point {
  readonly of: number
}

export interface Curve {
  readonly add: (point: Point) => void
  readonly points: () => readonly Point[]
}

/** A curve that is given point by point, and keeps {@link POINTS} however many there are. */
export function curve(): Curve {
  let groups: Group[] = []
  let size = 1
  return {
    add(point) {
      const last = groups.at(-1)
      if (last && last.of < size) groups[groups.length - 1] = joined(last, { ...point, of: 1 })
      else if (groups.length < POINTS) groups.push({ ...point, of: 1 })
      else {
        size *= 2
        groups = Array.from({ length: POINTS / 2 }, (_, i) => joined(groups[2 * i]!, groups[2 * i + 1]!))
        groups.push({ ...point, of: 1 })
      }
    },
    points: () => groups.map(({ step, value }) => ({ step, value })),
  }
}

/** The mean of both: $(n_a a + n_b b) / (n_a + n_b)$. */
const joined = (a: Group, b: Group): Group => {
  const of = a.of + b.of
  return { step: b.step, value: a.value * (a.of / of) + b.value * (b.of / of), of }
}
