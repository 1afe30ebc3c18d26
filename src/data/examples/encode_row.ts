/**
 * A row to encoded examples, as its source's template and the task say.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { listClasses } from './list_classes.ts'
import { encodeExample, encodeLabelled, encodePair, encodePrompt } from './encode.ts'
import type { Encoded, EncodeOptions } from './encode.ts'
import { compileLabelledText } from '../templates/labelled_text.ts'
import { compilePreference } from '../templates/preference.ts'
import { compilePrompts } from '../templates/prompt.ts'
import type { PromptSource } from '../templates/prompt.ts'
import type { Row } from '../row.ts'
import { compileTemplate } from '../templates/template.ts'
import { hasLabel, hasPair } from '../templates/template_source.ts'
import type { SftTemplate, DataTask, LabelTemplate, TemplateSource } from '../templates/template_source.ts'

/** Encodes a row: at least one result, of which some may say that the row is left out. */
export type RowEncoder = (row: Row, where: string) => readonly Encoded[]

const EMPTY: readonly Encoded[] = [{ leftOut: 'empty' }]

/** Compiles a template, which must be of the task's kind, to an encoder. Classes matter for a template with a label only. */
export function createRowEncoder(
  tokenizer: Tokenizer,
  template: TemplateSource,
  options: EncodeOptions & { readonly task?: DataTask; readonly classes: readonly string[] },
): RowEncoder {
  if (hasLabel(template)) return labelEncoder(tokenizer, template, options)
  if (options.task === 'prompt') {
    const prompts = compilePrompts(template as PromptSource)
    return (row, where) =>
      orEmpty(prompts(row, where).map((one) => encodePrompt(tokenizer, one, options, where)))
  }
  if (hasPair(template)) {
    const preference = compilePreference(template)
    return (row, where) => {
      const pair = preference.render(row, where)
      return pair ? [encodePair(tokenizer, pair, options, where)] : EMPTY
    }
  }
  const compiled = compileTemplate(template as SftTemplate)
  return (row, where) =>
    orEmpty(compiled.render(row, where).map((segments) => encodeExample(tokenizer, segments, options, where)))
}

const orEmpty = (encoded: readonly Encoded[]): readonly Encoded[] => (encoded.length > 0 ? encoded : EMPTY)

function labelEncoder(
  tokenizer: Tokenizer,
  template: LabelTemplate,
  { classes, maxLength }: { readonly classes: readonly string[]; readonly maxLength: number },
): RowEncoder {
  const labelled = compileLabelledText(template)
  const indices = new Map(classes.map((name, i) => [name, i]))
  return (row, where) => {
    const found = labelled(row, where)
    if (!found) return EMPTY
    const index = indices.get(found.label)
    if (index === undefined) {
      throw new UserError(
        `${where}: the label "${found.label}" is none of the classes (${listClasses(classes)}); correct it, or add it to "classes"`,
      )
    }
    return [encodeLabelled(tokenizer, found.text, index, maxLength)]
  }
}
