/**
 * The end of a text and other control tokens, as templates write them and as rendered text carries them.
 * @module
 */

/** What a person writes for the end of a text; becomes the tokenizer's end-of-text id. */
export const END_OF_TEXT = '<|endoftext|>'

/**
 * Stands for END_OF_TEXT in rendered text, so that one written in the template differs from one that happens to be in
 * the data. A Unicode noncharacter, which no text in interchange contains (The Unicode Standard, section 23.7).
 */
export const END_MARK = '\uFDD0'

/** Comes before what may be a control token of the template, such as `<s>` or `[MASK]`; a noncharacter, too. */
export const CONTROL_MARK = '\uFDD1'

/**
 * Begins a rendered text that says itself what stands first, as chat templates do: nothing that the tokenizer begins texts with comes
 * before it. A noncharacter, too.
 */
export const WHOLE_MARK = '\uFDD2'

/** What a tokenizer's special tokens look like. */
const CONTROL = /<\|?[^\s<>|{}]+\|?>|\[[A-Z]+\d*\]/g

/** What nunjucks runs; all else is text. */
const CODE = /(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})/s

/** A template with marks in place of ends of text and before control tokens. */
export const markTemplate = (source: string): string =>
  source
    .replaceAll(END_OF_TEXT, END_MARK)
    .split(CODE)
    .map((part, i) => (i % 2 === 0 ? markControls(part) : part))
    .join('')

/** The same for text that comes from a model's own tokens. */
export const markText = (text: string): string => markControls(text.replaceAll(END_OF_TEXT, END_MARK))

const markControls = (text: string): string => text.replace(CONTROL, `${CONTROL_MARK}$&`)

/** Rendered text as people read it. */
export const withoutMarks = (text: string): string =>
  text.replaceAll(END_MARK, END_OF_TEXT).replace(/[\uFDD1\uFDD2]/g, '')

/** Whether a text has one of the marks, or of those that chat templates are rendered with. */
export const hasMarks = (text: string): boolean => /[\uFDD0-\uFDD5]/.test(text)

/** Whether rendered text holds nothing but white space and ends of text. */
export const isBlank = (text: string): boolean => text.replace(/[\uFDD0-\uFDD2]/g, '').trim() === ''
