/**
 * Values out of files as error messages show them.
 * @module
 */

/** `value` as JSON, but only one level deep and not long: a hostile file must not fill the terminal. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return shorten(`[${value.slice(0, 9).map(quoteScalar).join(', ')}]`)
  return shorten(quoteScalar(value))
}

/** Names as a sentence lists them: the first ones, each cut where it is long, and how many more there are. */
export function listNames(names: readonly string[], most = 20): string {
  const shown = names.slice(0, most).map(shorten).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}

/** A sentence with its middle left out where it is too long for a terminal: what it is about begins it, advice ends it. */
export function shortenSentence(sentence: string, most = 600): string {
  if (sentence.length <= most) return sentence
  const end = Math.floor(most * 0.4)
  return `${sentence.slice(0, most - end - 1)}…${sentence.slice(-end)}`
}

function quoteScalar(value: unknown): string {
  if (typeof value === 'object' && value !== null) return '{…}'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  // JSON has neither symbols nor, of numbers, NaN and infinities.
  if (typeof value === 'symbol' || typeof value === 'number') return String(value)
  return JSON.stringify(value) ?? 'nothing'
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
