/**
 * Texts, each of a class.
 * @module
 */
import { UserError } from '../../errors.ts'
import { encodeLabelled } from '../examples/encode.ts'
import { listNames } from '../../quote.ts'
import { layouts } from '../sets/layouts.ts'
import type { Form } from '../templates/form.ts'
import { checkClassCount } from '../templates/class_count.ts'
import { canonicalLabel, compileLabelledText } from '../templates/labelled_text.ts'
import type { LabelTemplate } from '../templates/template_source.ts'
import { hasLabel } from '../templates/template_source.ts'
import { column } from '../templates/template_part.ts'
import type { DataKind } from './kind.ts'
import { orEmpty } from './kind.ts'

/** Two texts with an end of text between them: ids(first) + [end of text] + ids(second). */
const twoTexts = (first: string, second: string): Form => ({
  name: `${first}, ${second}, label`,
  columns: [[first], [second], ['label']],
  template: () => ({ text: `{{ ${first} }}<|endoftext|>{{ ${second} }}`, label: '{{ label }}' }),
})

export const classification: DataKind<LabelTemplate> = {
  wanted: 'text and label',
  fits: hasLabel,
  forms: [
    twoTexts('sentence1', 'sentence2'),
    twoTexts('premise', 'hypothesis'),
    twoTexts('question1', 'question2'),
    twoTexts('question', 'sentence'),
    {
      name: 'text (or sentence), label',
      columns: [['text', 'sentence'], ['label']],
      template: ([text, label]) => ({ text: `{{ ${text} }}`, label: `{{ ${label} }}` }),
    },
  ],
  messageForms: [],
  precedence: 2,
  guess({ texts, label }) {
    const [longest] = texts.filter(({ name }) => name !== label).sort((a, b) => b.length - a.length)
    return label !== undefined && longest ? { text: column(longest.name), label: column(label) } : undefined
  },
  layout: layouts.single,
  classified: true,
  stratum(template) {
    const labelled = compileLabelledText(template)
    const found = new Set<string>()
    return (row, where) => {
      const label = labelled(row, where)?.label
      if (label !== undefined) checkClassCount(found.add(label), template, where)
      return label
    }
  },
  encoder(tokenizer, template, { classes, maxLength }) {
    const labelled = compileLabelledText(template)
    const indices = new Map(classes.map((name, i) => [canonicalLabel(name), i]))
    return (row, where) => {
      const found = labelled(row, where)
      if (!found) return orEmpty([])
      const index = indices.get(found.label)
      if (index === undefined) {
        throw new UserError(
          `${where}: the label "${found.label}" is none of the classes (${listNames(classes)}); correct it, or add it to "classes"`,
        )
      }
      return [encodeLabelled(tokenizer, found.text, index, maxLength)]
    }
  },
  writing: () => undefined,
}
