/** @module */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** `14 MB`, `9.6 GB` */
export function bytes(count: number): string {
  let [value, unit] = [count, 0]
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1]
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
