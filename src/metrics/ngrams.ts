/**
 * Counts of n-grams, which BLEU, ROUGE and distinct-n are made of.
 * @module
 */

/** How often each run of `n` tokens occurs, by the tokens joined with a space; no token may contain one. */
export function countNgrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let start = 0; start + n <= tokens.length; start++) {
    const ngram = tokens.slice(start, start + n).join(' ')
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1)
  }
  return counts
}

/** The n-grams that both have: Σ min(countA, countB). */
export function countCommon(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let common = 0
  for (const [ngram, count] of a) common += Math.min(count, b.get(ngram) ?? 0)
  return common
}
