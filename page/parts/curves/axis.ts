/** Axes: from numbers to places, and which numbers are written beside them. @module */

export interface Axis {
  /** From a number to its share of the axis, 0 … 1. */
  readonly place: (value: number) => number
  readonly ticks: readonly number[]
  readonly least: number
  readonly most: number
}

/** Steps of 1, 2 or 5 times a power of ten, about so many between two numbers. */
function stepOf(least: number, most: number, count: number): number {
  const rough = (most - least) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10)
}

/** A share of the axis that stays free above the greatest number, where it ends before its next tick. */
const FREE = 0.05

/** An axis on which equal distances are equal differences. It begins at a tick, and ends at one if that is near. */
export function linear(least: number, most: number, count = 4): Axis {
  const pad = least === most ? Math.abs(least) * 0.1 || 1 : 0
  const step = stepOf(least - pad, most + pad, count)
  const [from, to] = [Math.floor((least - pad) / step + 1e-9), Math.ceil((most + pad) / step - 1e-9)]
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => exact((from + i) * step))
  const end = most + pad + FREE * (most + pad - ticks[0]!)
  if (ticks.at(-1)! - end < step / 3) return along(ticks[0]!, ticks.at(-1)!, ticks, (value) => value)
  return along(ticks[0]!, end, ticks.slice(0, -1), (value) => value)
}

/** An axis of whole numbers that ends at the last one, not at a tick. */
export function steps(least: number, most: number, count = 6): Axis {
  const end = Math.max(most, least + 1)
  const step = Math.max(1, stepOf(least, end, count))
  const ticks: number[] = []
  for (let tick = Math.ceil(least / step) * step; tick <= end; tick += step) ticks.push(tick)
  return along(least, end, ticks, (value) => value)
}

/** What is below this is nearly 0 on an axis of decades. */
const NEARLY_ZERO = 1e-3

/** An axis for numbers ≥ 0 that is logarithmic, but for what is nearly 0: $\log_{10}(1 + v / 10^{-3})$. */
export function decades(most: number): Axis {
  const count = Math.max(1, Math.ceil(Math.log10(Math.max(most, NEARLY_ZERO) / NEARLY_ZERO)))
  const ticks = [0, ...Array.from({ length: count + 1 }, (_, i) => exact(NEARLY_ZERO * 10 ** i))]
  return along(0, ticks.at(-1)!, ticks, (value) => Math.log10(1 + Math.max(0, value) / NEARLY_ZERO))
}

function along(least: number, most: number, ticks: readonly number[], form: (value: number) => number): Axis {
  const [from, to] = [form(least), form(most)]
  return { least, most, ticks, place: (value) => (form(value) - from) / (to - from) }
}

/** Without what floating point adds: 0.30000000000000004 is 0.3. */
const exact = (value: number): number => Number(value.toPrecision(12))
