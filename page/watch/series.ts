/** What a log has told so far, by its keys. @module */
import type { Point } from '../parts/curves/curve.ts'

/** A line of a log: numbers, of which one is the step. */
export type LogLine = Readonly<Record<string, number | boolean>> & { readonly step: number }

export interface Series {
  /** Appends lines; what is told again is passed over. */
  readonly add: (lines: readonly LogLine[]) => void
  readonly clear: () => void
  /** The points of a key by their steps; the same array grows. */
  readonly of: (key: string) => readonly Point[]
  /** The last step of training, 0 before the first. */
  readonly step: () => number
  /** Steps of one pass over the data, where that is known. */
  readonly perEpoch: () => number | undefined
  /** Tokens of all steps. */
  readonly tokens: () => number
}

export function createSeries(): Series {
  let points = new Map<string, Point[]>()
  let [step, perEpoch, tokens] = [0, undefined as number | undefined, 0]
  const put = (key: string, point: Point) => {
    let all = points.get(key)
    if (!all) points.set(key, (all = []))
    const last = all.at(-1)
    if (!last || last.x < point.x) all.push(point)
  }
  return {
    add(lines) {
      for (const line of lines) {
        const isStep = 'loss' in line
        if (isStep && line.step > step) {
          step = line.step
          tokens += Number(line['tokens'] ?? 0)
          const epoch = Number(line['epoch'])
          if (epoch > 0) perEpoch = Math.max(1, Math.round(step / epoch))
        }
        for (const [key, y] of Object.entries(line))
          if (typeof y === 'number' && Number.isFinite(y)) put(key, { x: line.step, y })
      }
    },
    clear() {
      points = new Map()
      ;[step, perEpoch, tokens] = [0, undefined, 0]
    },
    of: (key) => points.get(key) ?? [],
    step: () => step,
    perEpoch: () => perEpoch,
    tokens: () => tokens,
  }
}
