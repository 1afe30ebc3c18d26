/**
 * Sample texts as a picture: each text as it is, and beside it a bar for each of its figures.
 * @module
 */
import type { SampleFigures, SampleText, SampleTexts } from '../evaluation/sample_texts.ts'
import { wrapToColumns } from '../visible_text.ts'
import { figureText, SAMPLE_FIGURES } from './sample_figures.ts'
import { meanTitle, originOf, samplesName } from './samples_report.ts'

const INK = '#222222'
const SOFT = '#777777'
const FAINT = '#e4e4e4'
/** The colour of the last model, and of one before it. */
const COLOURS = ['#0072b2', '#999999'] as const

/** All in pixels. */
const WIDTH = 1100
const EDGE = 28
const TEXT_LEFT = 66
const CELL = 82
const BAR = 62
const CELLS_LEFT = WIDTH - EDGE - SAMPLE_FIGURES.length * CELL
const LINE = 17
const GAP = 16
/** A row with bars is at least so high. */
const ROW = 30

/** Room for a letter of 12 pixels, which in most fonts of equal widths takes 7.2. */
const LETTER = 7.6
const COLUMNS = Math.floor((CELLS_LEFT - 24 - TEXT_LEFT) / LETTER)

const MOST_LINES = 16
const MOST_REFERENCES = 3
const REFERENCE_LINES = 4

type Attributes = Readonly<Record<string, string | number>>
type Domain = readonly [low: number, high: number]

/**
 * @param models one, or two that were given the same prompts
 * @returns an SVG document
 */
export function samplesPicture(models: readonly SampleTexts[]): string {
  const [{ run, from, max_new_tokens, texts: first }] = models as readonly [SampleTexts]
  const title = `${run}: sample texts, ${from} data`
  const domains = SAMPLE_FIGURES.map(({ key }) => domainOf(models, key))
  const colour = (model: number) => COLOURS[models.length - 1 - model] ?? SOFT
  const shapes: string[] = []
  let y = EDGE

  const lines = (texts: readonly string[], attributes: Attributes, left = TEXT_LEFT) => {
    for (const [i, text] of texts.entries()) shapes.push(label(left, y + (i + 0.75) * LINE, text, attributes))
    return texts.length * LINE
  }
  const figures = (of: SampleFigures, fill: string, digits: 'digits' | 'ofMean' = 'digits') =>
    SAMPLE_FIGURES.forEach((figure, i) =>
      shapes.push(...cell(CELLS_LEFT + i * CELL, y, of[figure.key], figure[digits], domains[i]!, fill)),
    )
  const rule = () => {
    shapes.push(element('rect', { x: EDGE, y: y - GAP / 2, width: WIDTH - 2 * EDGE, height: 1, fill: FAINT }))
  }

  y += lines([title], { ...sans, 'font-size': 15, 'font-weight': 600 }, EDGE)
  y += lines([`greedy, at most ${max_new_tokens} tokens`], { ...sans, fill: SOFT }, EDGE)
  if (models.length > 1) {
    for (const [i, model] of models.entries()) {
      shapes.push(element('rect', { x: EDGE, y: y + 4, width: 10, height: 10, fill: colour(i) }))
      y += lines(wrapToColumns(samplesName(model), COLUMNS, 1), sans, EDGE + 18)
    }
  }
  y -= 4
  for (const [i, { title: name }] of SAMPLE_FIGURES.entries()) {
    const [x, [low, high]] = [CELLS_LEFT + i * CELL, domains[i]!]
    shapes.push(label(x, y - 8, name, { ...sans, 'font-weight': 600 }))
    shapes.push(label(x, y + 5, `${tick(low)} … ${tick(high)}`, { ...sans, 'font-size': 10, fill: SOFT }))
  }
  y += GAP + 6

  for (const [i, text] of first.entries()) {
    rule()
    shapes.push(label(EDGE, y + 0.75 * LINE, String(i + 1), { ...sans, fill: SOFT }))
    y += lines(wrapToColumns(text.prompt, COLUMNS, MOST_LINES), { ...mono, 'font-weight': 700 })
    const origin = originOf(text)
    if (origin !== '') y += lines([origin], { ...sans, 'font-size': 10, fill: SOFT })
    y += 4
    for (const [model, { texts }] of models.entries()) {
      const { generated } = texts[i]!
      figures(texts[i]!, colour(model))
      const written = wrapToColumns(generated === '' ? '(nothing)' : generated, COLUMNS, MOST_LINES)
      const height = Math.max(written.length * LINE, ROW)
      shapes.push(
        element('rect', { x: TEXT_LEFT - 12, y, width: 3, height: height - 2, fill: colour(model) }),
      )
      lines(written, { ...mono, ...(generated === '' ? { fill: SOFT } : {}) })
      y += height + 6
    }
    for (const reference of referencesOf(text)) {
      shapes.push(label(EDGE, y + 0.75 * LINE, 'true', { ...sans, 'font-size': 11, fill: SOFT }))
      y += lines(reference, { ...mono, fill: SOFT })
    }
    y += GAP
  }

  const several = first.length > 1
  if (several) rule()
  for (const [i, model] of several ? models.entries() : []) {
    figures(model.means, colour(i), 'ofMean')
    const what = meanTitle(first) + (models.length > 1 ? `: ${samplesName(model)}` : '')
    lines(wrapToColumns(what, COLUMNS, 1), { ...sans, 'font-weight': 600 })
    y += ROW + 6
  }
  y += EDGE - GAP
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" font-size="12" fill="${INK}">\n` +
    `<title>${escaped(title)}</title>\n` +
    element('rect', { width: WIDTH, height: y, fill: 'white' }) +
    `${shapes.join('')}</svg>\n`
  )
}

const sans = { 'font-family': 'Helvetica, Arial, sans-serif' } as const
const mono = { 'font-family': "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace" } as const

/** In lines; what is left out is counted below the last one. */
function referencesOf({ references }: SampleText): string[][] {
  const shown = references
    .slice(0, MOST_REFERENCES)
    .map((text) => wrapToColumns(text, COLUMNS, REFERENCE_LINES))
  const more = references.length - shown.length
  if (more > 0) shown.at(-1)!.push(`… and ${more} more`)
  return shown
}

/** From 0, or from the least where that is below, to 1 or, of what has no end, to the most. */
function domainOf(models: readonly SampleTexts[], key: keyof SampleFigures): Domain {
  const values = models.flatMap(({ texts }) => texts.flatMap((text) => text[key] ?? []))
  const [least, most] = [Math.min(0, ...values), Math.max(...values, 0)]
  return [least, key === 'length' || key === 'entropy' ? most || 1 : 1]
}

const tick = (value: number): string => String(Number(value.toFixed(Number.isInteger(value) ? 0 : 2)))

/** A number over its bar, which reaches from 0. */
function cell(x: number, y: number, value: number | null, digits: number, [low, high]: Domain, fill: string) {
  const text = label(x, y + 12, figureText(value, digits), {
    ...sans,
    ...(value === null ? { fill: SOFT } : {}),
  })
  if (value === null) return [text]
  const at = (of: number) => ((of - low) / (high - low)) * BAR
  const [from, to] = [Math.min(at(0), at(value)), Math.max(at(0), at(value))]
  const bar = { y: y + 18, height: 5 }
  return [
    text,
    element('rect', { ...bar, x, width: BAR, fill: FAINT }),
    element('rect', { ...bar, x: x + from, width: to - from, fill }),
  ]
}

const label = (x: number, y: number, text: string, attributes: Attributes): string =>
  element('text', { x, y, 'xml:space': 'preserve', ...attributes }, text)

function element(name: string, attributes: Attributes, content?: string): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(rounded(value))}"`)
  return `<${name}${given.join('')}${content === undefined ? '/>' : `>${escaped(content)}</${name}>`}\n`
}

const rounded = (value: string | number): string =>
  typeof value === 'number' ? String(Number(value.toFixed(2))) : value

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** A visible text in XML; what that may not hold becomes U+FFFD. */
const escaped = (text: string): string =>
  text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign]!)
