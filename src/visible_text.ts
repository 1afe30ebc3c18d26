/**
 * Any text as printable signs, and the columns these take in a terminal.
 * @module
 */

/** Zero-width joiner and non-joiner shape the characters around them, so they stay. */
const JOINERS = ['\u200C', '\u200D']

/** Control and format characters, line and paragraph separators, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Two columns wide, roughly as in Unicode's East Asian Width (UAX 11). */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303E\uFF01-\uFF60]/u
const ZERO_WIDTH = /^[\p{M}\u200C\u200D]$/u

/** Signs for what cannot be seen or would move the cursor: ↵ for a line break, → for a tab, ␛ for escape … */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (character) => {
    if (character === '\n') return '↵'
    if (character === '\t') return '→'
    if (JOINERS.includes(character)) return character
    const code = character.codePointAt(0)!
    // Unicode has pictures of the first 32 control characters, from U+2400 on.
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`
  })

/** The same for texts of several lines: line breaks and tabs stay. */
export const visibleLines = (text: string): string => text.replace(/[^\n\t]+/g, (stretch) => visible(stretch))

/** Columns of a terminal that a visible text takes. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += ZERO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return columns
}

/** The text in parts of at most `width` columns: mostly one. */
export function cutToColumns(text: string, width: number): string[] {
  const parts = ['']
  for (const character of text) {
    if (columnsOf(parts.at(-1)! + character) > width) parts.push('')
    parts[parts.length - 1] += character
  }
  return parts
}

/**
 * A text in lines of at most `width` columns, each made visible. Lines break between words, and within one where it is longer than
 * a line; those of the text itself stay.
 *
 * @param most lines; the last one of a longer text ends in …
 */
export function wrapToColumns(text: string, width: number, most = Infinity): string[] {
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const wrapped = ['']
    for (const word of visible(line).split(' ')) {
      const last = wrapped.at(-1)!
      const longer = last === '' ? word : `${last} ${word}`
      if (columnsOf(longer) <= width) wrapped[wrapped.length - 1] = longer
      else wrapped.splice(last === '' ? -1 : wrapped.length, 1, ...cutToColumns(word, width))
    }
    return wrapped
  })
  if (lines.length <= most) return lines
  return [...lines.slice(0, most - 1), `${cutToColumns(lines[most - 1]!, width - 2)[0]} …`]
}
