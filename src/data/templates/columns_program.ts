/**
 * Templates of texts and columns: `Word: {{ word }}`, or `{{ row["Review Text"] }}`.
 * @module
 */
import type { Program } from './program.ts'
import { ROW } from './program.ts'

/** What nunjucks takes for more than text. */
const CODE = /\{[{%#]|#\}/g

/** A column and nothing else. */
const COLUMN = /\{\{[ \n\t\r]*(?:([A-Za-z_]\w*)|row\["([^"\\{}%#]+)"\])[ \n\t\r]*\}\}/y

/** Names that are none of a column's, or that nunjucks's syntax check refuses. */
const OTHERS = /^(?:true|false|none|null|not|and|or|in|is|if|else|constructor|prototype|__proto__)$/

/** A text as it is, a column by its name, or one that is looked up in the row. */
type Piece = { readonly text: string } | { readonly name: string } | { readonly ofRow: string }

/** The program of a template; undefined where it has more than columns, or no syntax that is known here. */
export function columnsProgram(source: string): Program | undefined {
  const pieces = piecesOf(source)
  if (!pieces) return undefined
  const named = new Set(pieces.flatMap((piece) => ('name' in piece ? [piece.name] : [])))
  const ofRow = new Set(pieces.flatMap((piece) => ('ofRow' in piece ? [piece.ofRow] : [])))
  return {
    ...{ named: [...named], ofRow: [...ofRow], readsRow: ofRow.size > 0 },
    run(columns) {
      const row = columns[ROW] as Readonly<Record<string, unknown>> | null | undefined
      let text = ''
      for (const piece of pieces)
        if ('text' in piece) text += piece.text
        else text += written('name' in piece ? columns[piece.name] : row?.[piece.ofRow])
      return text
    },
  }
}

function piecesOf(source: string): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  let end = 0
  for (;;) {
    CODE.lastIndex = end
    const begin = CODE.exec(source)?.index ?? source.length
    if (begin > end) pieces.push({ text: source.slice(end, begin) })
    if (begin === source.length) return pieces
    COLUMN.lastIndex = begin
    const [all, name, ofRow] = COLUMN.exec(source) ?? []
    if (all === undefined || OTHERS.test(name ?? ofRow!)) return undefined
    pieces.push(name === undefined ? { ofRow: ofRow! } : { name })
    end = begin + all.length
  }
}

/** A value that has a text; nunjucks says of others the same. */
function written(value: unknown): string {
  if (value === undefined || value === null) throw new Error('attempted to output null or undefined value')
  // As nunjucks adds it: an object by its own toString, which may throw.
  return '' + (value as string)
}
