/** @module */
import type { OddRows } from '../examples/odd_rows.ts'
import { readTolerantRows } from '../sources/rows_of.ts'
import type { Row } from '../row.ts'
import type { DataSource, Drawn, DrawnRule } from '../sources/source_rows.ts'
import { drawSplits } from './draw_splits.ts'
import { groupKey, hashFraction, rowKey } from './splits.ts'

/** What a row's split is to be drawn among, such as its class; undefined where nothing tells. */
export type StratumOf = (row: Row, where: string) => string | undefined

/**
 * Draws the splits of the sources that leave it to chance, which are read once for it; nothing of the others. Sources of
 * the same fractions are drawn together, so that a row which is in two of them is of one split.
 *
 * @param stratumOf of a source; none where rows are all alike
 * @throws UserError as reading does, or where a row lacks the column that groups
 */
export async function splitSources<S extends DataSource>(
  sources: readonly S[],
  stratumOf: (source: S) => StratumOf | undefined,
  oddRows: OddRows = 'error',
): Promise<(Drawn | undefined)[]> {
  const splits: (Drawn | undefined)[] = sources.map(() => undefined)
  const together = new Map<string, number[]>()
  sources.forEach(({ split }, i) => {
    if (!isDrawn(split)) return
    const key = JSON.stringify([split.validation, split.test, split.seed, split.by])
    together.set(key, [...(together.get(key) ?? []), i])
  })
  for (const members of together.values()) {
    const rule = sources[members[0]!]!.split as DrawnRule
    const [hashes, strata, ends]: [number[], string[], number[]] = [[], [], []]
    // Equal strata are one text, and not each a part of the block that it was read in.
    const known = new Map<string, string>()
    for (const i of members) {
      const { file, read } = sources[i]!
      const stratum = rule.by === undefined ? stratumOf(sources[i]!) : undefined
      let number = 0
      for await (const row of readTolerantRows(file, read, oddRows)) {
        const where = `${file.name}, row ${++number}`
        const key = rule.by === undefined ? rowKey(row) : groupKey(row, rule.by, where)
        hashes.push(hashFraction(rule.seed, key))
        const found = stratum?.(row, where) ?? ''
        if (!known.has(found)) known.set(found, found)
        strata.push(known.get(found)!)
      }
      ends.push(hashes.length)
    }
    const drawn = drawSplits({ hashes, strata }, rule)
    members.forEach((i, at) => (splits[i] = drawn.slice(ends[at - 1] ?? 0, ends[at])))
  }
  return splits
}

const isDrawn = (split: DataSource['split']): split is DrawnRule => 'validation' in split
