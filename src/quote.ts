/**
 * Values out of a file as error messages show them.
 * @module
 */

/** `value` as JSON, but only one level deep and not long: a hostile file must not fill the terminal. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return shorten(`[${value.slice(0, 9).map(quoteScalar).join(', ')}]`)
  return shorten(quoteScalar(value))
}

function quoteScalar(value: unknown): string {
  return typeof value === 'object' && value !== null ? '{…}' : (JSON.stringify(value) ?? 'nothing')
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
