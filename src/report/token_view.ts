/**
 * The tokens of an example for the terminal: which carry loss, and where one ends and the next begins.
 * With colour, tokens that carry loss are black on green and the others dim, every second one of another shade or
 * underlined; without colour, what carries loss stands in brackets.
 * @module
 */
import type { TokenPiece } from '../data/examples/token_pieces.ts'
import { columnsOf, cutToColumns, visible } from '../visible_text.ts'

export interface TokenViewOptions {
  readonly color: boolean
  /** Columns of the terminal. */
  readonly width: number
}

/** A stretch with or without loss that has more pieces is shown by so many at either end; likewise stretches. */
const LONG_STRETCH = 96
const STRETCH_END = 32
const MANY_STRETCHES = 12
const STRETCHES_END = 5

const INDENT = '  '

/** Graphic renditions (ECMA-48, SGR) of one token and the next, in turns; and of tokens that end a text. */
const STYLES = {
  learned: { tokens: ['30;42', '30;102'], end: '1;4;30;42' },
  given: { tokens: ['2', '2;4'], end: '2;7' },
} as const

/** A piece, or what stands for pieces that are left out. */
type Shown = TokenPiece & { readonly gap?: true }

/** Text in one style, on one line. */
interface Printed {
  readonly text: string
  readonly style: string | undefined
}

/** What the view's signs mean, on one line. */
export function tokenLegend({ color }: Pick<TokenViewOptions, 'color'>): string {
  const learned = color ? paint({ text: 'green', style: STYLES.learned.tokens[0] }) : '⟦ … ⟧'
  return `${learned} carries loss, ↵ is a line break\n`
}

/** An example with its class where one is learned, the answer to compare with of a prompt that has one, whether it is desirable where that is known, or of a pair the other answer. */
export interface ViewedExample {
  readonly pieces: readonly TokenPiece[]
  readonly label?: string
  readonly desirable?: boolean
  readonly rejected?: readonly TokenPiece[]
  readonly margin?: number
  readonly reference?: readonly TokenPiece[]
}

/** Draws an example under a heading with its number, its tokens and what carries loss. */
export function exampleView(example: ViewedExample, number: number, options: TokenViewOptions): string {
  const { pieces, label, desirable, rejected, reference } = example
  if (rejected) return pairView({ ...example, rejected }, number, options)
  if (reference) return promptView({ ...example, reference }, number, options)
  const learned = countTokens(pieces.filter((piece) => piece.learned))
  const loss = label === undefined ? `${whole(learned)} with loss` : `class ${visible(label)}`
  const judged = desirable === undefined ? '' : desirable ? ', desirable' : ', undesirable'
  const heading = `example ${number}: ${whole(countTokens(pieces))} tokens, ${loss}${judged}\n`
  return heading + tokenView(pieces, options)
}

/** Draws the prompt with the preferred answer, and then the other answer. */
function pairView(
  { pieces, rejected, margin = 0 }: ViewedExample & { readonly rejected: readonly TokenPiece[] },
  number: number,
  options: TokenViewOptions,
): string {
  const chosen = countTokens(pieces.filter((piece) => piece.learned))
  const prompt = countTokens(pieces) - chosen
  const apart = margin === 0 ? '' : `, margin ${Number(margin.toPrecision(6))}`
  return [
    `pair ${number}: prompt ${whole(prompt)} tokens, chosen ${whole(chosen)}, rejected ${whole(countTokens(rejected))}${apart}\n`,
    tokenView(pieces, options),
    'rejected:\n',
    tokenView(rejected, options),
  ].join('')
}

/** Draws a prompt, and the answer that is there to compare with. */
function promptView(
  { pieces, reference }: ViewedExample & { readonly reference: readonly TokenPiece[] },
  number: number,
  options: TokenViewOptions,
): string {
  const heading = `prompt ${number}: ${whole(countTokens(pieces))} tokens\n${tokenView(pieces, options)}`
  if (reference.length === 0) return heading
  return `${heading}reference answer: ${whole(countTokens(reference))} tokens\n${tokenView(reference, options)}`
}

/** Draws an example as indented lines. Nothing in its text moves the cursor or changes the colours. */
export function tokenView(pieces: readonly TokenPiece[], { color, width }: TokenViewOptions): string {
  const lines = wrap(shorten(pieces), Math.max(20, width - INDENT.length), color ? stylesOf : bracketsOf)
  return lines
    .map((line) => `${INDENT}${color ? line.map(paint).join('') : line.map(({ text }) => text).join('')}\n`)
    .join('')
}

/** Leaves out the middle of long stretches, and the middle ones of many. */
function shorten(pieces: readonly TokenPiece[]): Shown[] {
  const stretches = splitBefore(pieces, (piece, before) => piece.learned !== before.learned)
  const shown = stretches.map(shortenStretch)
  if (stretches.length <= MANY_STRETCHES) return shown.flat()
  const middle = stretches.slice(STRETCHES_END, -STRETCHES_END).flat()
  return [...shown.slice(0, STRETCHES_END).flat(), gapFor(middle), ...shown.slice(-STRETCHES_END).flat()]
}

function shortenStretch(pieces: readonly TokenPiece[]): readonly Shown[] {
  if (pieces.length <= LONG_STRETCH) return pieces
  const middle = pieces.slice(STRETCH_END, -STRETCH_END)
  return [...pieces.slice(0, STRETCH_END), gapFor(middle), ...pieces.slice(-STRETCH_END)]
}

function gapFor(pieces: readonly TokenPiece[]): Shown {
  const tokens = countTokens(pieces)
  const learned = pieces.every((piece) => piece.learned)
  return { text: ` … ${whole(tokens)} tokens … `, tokens, learned, end: false, gap: true }
}

/** The text of a piece, given the pieces around it. */
type Draw = (piece: Shown, index: number, all: readonly Shown[]) => Printed

const stylesOf: Draw = ({ text, learned, end, gap }, index) => {
  const { tokens, end: endStyle } = STYLES[learned ? 'learned' : 'given']
  return { text: visible(text), style: gap ? undefined : end ? endStyle : tokens[index % 2] }
}

const bracketsOf: Draw = ({ text, learned }, index, all) => {
  const opens = learned && !all[index - 1]?.learned ? '⟦' : ''
  const closes = learned && !all[index + 1]?.learned ? '⟧' : ''
  return { text: opens + visible(text) + closes, style: undefined }
}

/** Fills lines with whole words, where they fit; a line also ends after a token that ends one. */
function wrap(pieces: readonly Shown[], width: number, draw: Draw): Printed[][] {
  const lines: Printed[][] = [[]]
  let column = 0
  const newLine = () => {
    if (column > 0) lines.push([])
    column = 0
  }
  const drawn = pieces.map((piece, i) => ({ ...draw(piece, i, pieces), piece }))
  const words = splitBefore(
    drawn,
    ({ piece }, before) => /^\s/.test(piece.text) || before.piece.text.endsWith('\n'),
  )
  for (const word of words) {
    const columns = word.reduce((sum, { text }) => sum + columnsOf(text), 0)
    if (column + columns > width) newLine()
    for (const { text, style } of word) {
      for (const part of cutToColumns(text, width)) {
        if (column + columnsOf(part) > width) newLine()
        lines.at(-1)!.push({ text: part, style })
        column += columnsOf(part)
      }
    }
    if (word.at(-1)!.piece.text.endsWith('\n')) newLine()
  }
  return lines.filter((line) => line.length > 0)
}

/** Cuts a list into runs; one begins wherever `begins` says so of an item and the one before it. */
function splitBefore<T>(items: readonly T[], begins: (item: T, before: T) => boolean): T[][] {
  const runs: T[][] = []
  items.forEach((item, i) => {
    if (i === 0 || begins(item, items[i - 1]!)) runs.push([item])
    else runs.at(-1)!.push(item)
  })
  return runs
}

const paint = ({ text, style }: Printed): string => (style ? `\x1b[${style}m${text}\x1b[0m` : text)

const whole = (n: number): string => n.toLocaleString('en')

const countTokens = (pieces: readonly TokenPiece[]): number =>
  pieces.reduce((sum, { tokens }) => sum + tokens, 0)
