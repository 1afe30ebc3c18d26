/** @module */

/**
 * How many tokens each part of a sequence keeps, for at most `most` of them all: none keeps more than a level that is the
 * same for all, so that the longest are cut first. What is left below it goes to the longest parts, of equals to the last,
 * as `truncation='longest_first'` of transformers has it for two.
 */
export function keptLengths(lengths: readonly number[], most: number): number[] {
  const kept = (level: number): number => lengths.reduce((sum, length) => sum + Math.min(length, level), 0)
  let level = Math.max(0, ...lengths)
  for (let below = 0; below < level;) {
    const middle = Math.ceil((below + level) / 2)
    if (kept(middle) <= most) below = middle
    else level = middle - 1
  }
  const longest = lengths
    .flatMap((length, i) => (length > level ? [{ length, i }] : []))
    .sort((a, b) => b.length - a.length || b.i - a.i)
  const more = new Set(longest.slice(0, Math.max(0, most - kept(level))).map(({ i }) => i))
  return lengths.map((length, i) => Math.min(length, level) + Number(more.has(i)))
}
