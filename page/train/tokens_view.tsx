/** @module */
import type { JSX } from 'preact'

import type { Examined, Piece } from '../worker/workshop.ts'

/** The tokens of a few examples; those that the model learns to write are set apart by a line below them and by weight. */
export const TokensView = ({ examples }: Pick<Examined, 'examples'>): JSX.Element => (
  <figure class="tokens">
    <figcaption class="quiet small">
      Token by token
      {examples.some(({ pieces }) => pieces.some(({ loss }) => loss)) && (
        <>
          ; those it learns to write are <mark>underlined</mark>
        </>
      )}
      .
    </figcaption>
    <ol>
      {examples.map(({ label, pieces }, i) => (
        <li key={i}>
          {label !== '' && <span class="badge">{label}</span>}
          <div class="pieces">{inTurns(pieces).map(run)}</div>
        </li>
      ))}
    </ol>
  </figure>
)

/** Neighbours that are learned, or not, together. */
function inTurns(pieces: readonly Piece[]): readonly (readonly Piece[])[] {
  const turns: Piece[][] = []
  for (const piece of pieces) {
    const last = turns.at(-1)
    if (last?.[0]?.loss === piece.loss) last.push(piece)
    else turns.push([piece])
  }
  return turns
}

function run(pieces: readonly Piece[], i: number): JSX.Element {
  const inner = pieces.map(({ text }, j) => (
    <span class="piece" key={j}>
      {text.replaceAll('\n', '↵\n')}
    </span>
  ))
  return pieces[0]!.loss ? <mark key={i}>{inner}</mark> : <span key={i}>{inner}</span>
}
