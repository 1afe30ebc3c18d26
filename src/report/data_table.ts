/** @module */
import type { SplitCounts } from '../data/split_files.ts'
import { textTable } from './text_table.ts'

/** Examples, tokens and percentiles of the examples' lengths, a line per split. */
export const dataTable = (splits: SplitCounts): string =>
  textTable([
    ['', 'examples', 'tokens', 'with loss', 'truncated', 'skipped', 'length p50', 'p90', 'p99', 'max'],
    ...Object.entries(splits).map(([split, counts]) => {
      const { examples, tokens, labelledTokens, truncated, skipped, lengths } = counts
      const { p50, p90, p99, p100 } = lengths
      const numbers = [examples, tokens, labelledTokens, truncated, skipped, p50, p90, p99, p100]
      return [split, ...numbers.map((n) => n.toLocaleString('en'))]
    }),
  ])
