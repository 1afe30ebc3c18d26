/**
 * Sample texts for the terminal, each with its figures; of two models text below text.
 * @module
 */
import type { SampleFigures, SampleText, SampleTexts } from '../evaluation/sample_texts.ts'
import { textTable } from '../metrics/text_table.ts'
import { wrapToColumns } from '../visible_text.ts'
import { figureText, SAMPLE_FIGURES } from './sample_figures.ts'

/** What reports call a model. */
export const samplesName = ({ run, checkpoint }: SampleTexts): string => `${run} (${checkpoint})`

/** Models that were given the same prompts together, others by themselves. */
export function besideEachOther(models: readonly SampleTexts[]): readonly (readonly SampleTexts[])[] {
  const prompts = models.map(({ texts }) => JSON.stringify(texts.map(({ prompt }) => prompt)))
  return new Set(prompts).size === 1 ? [models] : models.map((one) => [one])
}

/** Most lines of a text, of a prompt or a reference, and most references. */
const TEXT = 12
const BESIDE = 4
const REFERENCES = 3

const LABEL = 6

/**
 * @param models one, or two that were given the same prompts
 * @param width columns of the terminal
 */
export function samplesReport(models: readonly SampleTexts[], width: number): string {
  const texts = models[0]!.texts.map((_, i) => sample(models, i, width))
  if (texts.length === 1) return texts[0]!
  const rows = models.map((model) => [samplesName(model), ...cells(model.means)])
  return [...texts, textTable([[meanTitle(models[0]!.texts), ...titles], ...rows])].join('\n')
}

const titles = SAMPLE_FIGURES.map(({ title }) => title)

const cells = (figures: SampleFigures): string[] =>
  SAMPLE_FIGURES.map(({ key, ofMean }) => figureText(figures[key], ofMean))

/** Whose mean it is; BLEU and METEOR may have fewer texts. */
export function meanTitle(texts: readonly SampleText[]): string {
  const referred = texts.filter(({ bleu }) => bleu !== null).length
  const some = referred === texts.length || referred === 0 ? '' : `, ${referred} with references`
  return `mean of ${texts.length} texts${some}`
}

function sample(models: readonly SampleTexts[], i: number, width: number): string {
  const { prompt, references } = models[0]!.texts[i]!
  const origin = originOf(models[0]!.texts[i]!)
  const line = (label: string, text: string, most: number) =>
    wrapToColumns(text, width - LABEL, most)
      .map((part, row) => `${(row === 0 ? label : '').padEnd(LABEL)}${part}`.trimEnd() + '\n')
      .join('')
  const written = models.map((model) => {
    const text = model.texts[i]!
    const figures = SAMPLE_FIGURES.map(
      ({ title, key, digits }) => `${title} ${figureText(text[key], digits)}`,
    )
    return (
      (models.length > 1 ? line('', `— ${samplesName(model)}`, 1) : '') +
      line('text', text.generated === '' ? '(nothing)' : text.generated, TEXT) +
      line('', figures.join('  '), BESIDE)
    )
  })
  return [
    line(String(i + 1), prompt, BESIDE),
    ...written,
    ...references.slice(0, REFERENCES).map((text) => line('true', text, BESIDE)),
    references.length > REFERENCES ? line('', `… and ${references.length - REFERENCES} more`, 1) : '',
    origin === '' ? '' : line('', `(${origin})`, 1),
  ].join('')
}

/** Where a prompt comes from, where that is not plain. */
export function originOf({ concept, split }: Pick<SampleText, 'concept' | 'split'>): string {
  if (split === null) return 'not in the data, so without a reference'
  return concept === null ? '' : `${split} data`
}
