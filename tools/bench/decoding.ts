/**
 * Times greedy decoding at GPT-2-small shape: `decoding.ts <artifacts> <batch> <runs>` prints one JSON line.
 * @module
 */
import { createRandom } from '../../src/random.ts'
import { greedy } from '../../src/generation/sampling.ts'
import { generate } from '../../src/generation/generate.ts'
import { openModelDecoder } from '../../src/models/open_token_generator.ts'
import type { Measurement } from './measure.ts'
import { median, peakRss, timed, WARMUP } from './measure.ts'
import { turnDone, turns } from './paced.ts'

const PROMPT = 32
const NEW = 64

const [folder, batch, runs] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const { decoder, facts } = await openModelDecoder({ base: folder })
const random = createRandom('bench')
const prompts = Array.from({ length: batch }, () =>
  Array.from({ length: PROMPT }, () => random.integer(facts.vocabulary)),
)
const options = { ...greedy, max_new_tokens: NEW, stop_tokens: [], seed: 1 }
const once = () => generate(decoder, prompts, facts.context, options)

const turn = turns()
const seconds: number[] = []
for (let i = 0; i < WARMUP + runs; i++) {
  await turn()
  const time = await timed(once)
  if (i >= WARMUP) seconds.push(time)
  turnDone()
}
const result: Measurement = {
  name: `generate-batch-${batch}`,
  seconds_per_step: median(seconds) / NEW,
  all: seconds.map((time) => time / NEW),
  tokens_per_second: (batch * NEW) / median(seconds),
  peak_rss_mb: peakRss(),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit()
