/**
 * What phase 3 teaches and damages, over many held-out texts:
 *   node --import tsx tools/npt/consolidation.ts runs/npt_consolidation [strength] [texts]
 * Each text is folded alone. `own`: by how many nats it becomes likelier; `own_after_colon`: of these, those of what follows the word and
 * its part of speech; `another`: another held-out text under the same update, the control; `ratio`: perplexity on all held-out texts
 * over that before, for every sixth update.
 * @module
 */
import { join } from 'node:path'

import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { splitFile } from '../../src/data/sets/split_files.ts'
import { bootstrapInterval } from '../../src/metrics/bootstrap.ts'
import { openConsolidator } from '../../src/exports/consolidator.ts'

const [run, strength = '1', count = '60'] = process.argv.slice(2)
const consolidator = await openConsolidator(run!, { strength: Number(strength) })
const data = openArrowDataset(splitFile(join(run!, 'data'), 'test'))
const texts = Array.from({ length: Number(count) }, (_, i) => [
  ...data.row(Math.floor((i * data.size) / Number(count))).input_ids,
])
const headings = texts.map((text) => text.slice(0, 1 + text.findIndex(endsHeading)))
const before = await consolidator.logProbabilities(texts)
const headingsBefore = await consolidator.logProbabilities(headings)
const perplexity = await consolidator.perplexity(data)

const own: number[] = []
const ownHeading: number[] = []
const another: number[] = []
const ratios: number[] = []
for (const [i, text] of texts.entries()) {
  const j = (i + 1) % texts.length
  const update = await consolidator.consolidate([text])
  const asked = [text, texts[j]!, headings[i]!]
  const [itself, other, heading] = await consolidator.logProbabilities(asked, update)
  own.push(itself! - before[i]!)
  ownHeading.push(heading! - headingsBefore[i]!)
  another.push(other! - before[j]!)
  if (i % 6 === 0) ratios.push((await consolidator.perplexity(data, update)) / perplexity)
}
const result = {
  tokens_per_text: texts.reduce((sum, text) => sum + text.length, 0) / texts.length,
  own: bootstrapInterval(own),
  own_after_colon: bootstrapInterval(own.map((gain, i) => gain - ownHeading[i]!)),
  at_least_one_nat: own.filter((gain) => gain >= 1).length / own.length,
  another: bootstrapInterval(another),
  own_less_another: bootstrapInterval(own.map((gain, i) => gain - another[i]!)),
  perplexity,
  ratio: { ...bootstrapInterval(ratios), worst: Math.max(...ratios) },
}
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
data.close()
await consolidator.release()

/** Whether a token is the colon after a word and its part of speech. */
function endsHeading(id: number): boolean {
  return consolidator.tokenizer.decode([id]).endsWith(':')
}
