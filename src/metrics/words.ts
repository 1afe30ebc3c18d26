/**
 * Splits a text into words for METEOR, distinct-n and lengths.
 *
 * A word is a run of letters, marks and digits, with apostrophes inside it ("don't"). Ideographs and kana, which are
 * written without spaces, stand alone; so does every other visible character, such as punctuation and emoji. White space,
 * control and format characters (zero-width joiners) separate. The text is put into lower case and NFC first, so that an
 * accent is the same however it is encoded.
 * @module
 */

/** Scripts written without spaces between words, and without a rule to find them. */
const ALONE = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}`
const LETTERS = String.raw`(?:(?![${ALONE}])[\p{L}\p{M}\p{N}])+`
const WORD = new RegExp(String.raw`${LETTERS}(?:['’]${LETTERS})*|[^\p{White_Space}\p{Cc}\p{Cf}]\p{M}*`, 'gu')

/** The words and punctuation of `text`, none of them empty; an empty list for an empty text. */
export function splitWords(text: string): string[] {
  return text.toLowerCase().normalize('NFC').match(WORD) ?? []
}
