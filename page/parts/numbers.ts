/** Numbers as a person reads them. @module */

/** Four digits that count, and small ones as 2.1e-4. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size < 1e-2 || size >= 1e7) return sign(Number(value.toPrecision(3)).toExponential())
  if (size >= 1e4) return sign(whole.format(value))
  return sign(String(Number(value.toPrecision(4))))
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** 12,345 */
export const count = (value: number): string => whole.format(value)

/** The sign of a number is as long as a digit, and no hyphen. */
const sign = (text: string): string => text.replace(/^-/, '−')

/** `48 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
