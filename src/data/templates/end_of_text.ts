/**
 * The end of a text, as templates write it and as rendered text carries it.
 * @module
 */

/** What a person writes for the end of a text; becomes the tokenizer's end-of-text id. */
export const END_OF_TEXT = '<|endoftext|>'

/**
 * Stands for END_OF_TEXT in rendered text, so that one written in the template differs from one that happens to be in
 * the data. A Unicode noncharacter, which no text in interchange contains (The Unicode Standard, section 23.7).
 */
export const END_MARK = '\uFDD0'

/** Whether rendered text holds nothing but white space and ends of text. */
export const isBlank = (text: string): boolean => text.replaceAll(END_MARK, '').trim() === ''
