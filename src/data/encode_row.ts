/**
 * A row to encoded examples, as its source's template and the task say.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { listClasses } from './classes.ts'
import { encodeExample, encodeLabelled } from './encode.ts'
import type { Encoded, EncodeOptions } from './encode.ts'
import { compileLabelledText } from './labelled_text.ts'
import type { Row } from './row.ts'
import { compileTemplate } from './template.ts'
import { hasLabel } from './template_source.ts'
import type { LabelTemplate, TemplateSource } from './template_source.ts'

/** Encodes a row: at least one result, of which some may say that the row is left out. */
export type RowEncoder = (row: Row, where: string) => readonly Encoded[]

const EMPTY: readonly Encoded[] = [{ leftOut: 'empty' }]

/** Compiles a template to an encoder. Classes matter for a template with a label only. */
export function createRowEncoder(
  tokenizer: Tokenizer,
  template: TemplateSource,
  options: EncodeOptions & { readonly classes: readonly string[] },
): RowEncoder {
  if (hasLabel(template)) return labelEncoder(tokenizer, template, options)
  const compiled = compileTemplate(template)
  return (row, where) => {
    const rendered = compiled.render(row, where)
    if (rendered.length === 0) return EMPTY
    return rendered.map((segments) => encodeExample(tokenizer, segments, options, where))
  }
}

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
