/**
 * What a person may have meant.
 * @module
 */

/** The known word within a few edits of the given one, if there is one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((one) => ({ one, distance: editDistance(word, one) }))
    .sort((a, b) => a.distance - b.distance)
  // A word of which nothing is left was not meant.
  const most = Math.min(word.length - 1, Math.max(2, word.length / 4))
  return best && best.distance <= most ? best.one : undefined
}

/** Levenshtein (1966): insertions, deletions and substitutions, row by row. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
