/**
 * Facts taught one after the other to one model, and what it is like after each count that is asked for.
 * @module
 */
import { shuffled } from './facts.ts'
import type { Fact } from './facts.ts'
import type { Measure } from './measures.ts'
import type { Bench, Method } from './method.ts'
import { answer, asExample, prompt } from './prompts.ts'

/** A model after so many texts. */
export interface Taught {
  readonly method: string
  readonly strength: number
  readonly seed: number
  readonly texts: number
  /** Mean nats gained on a text by teaching it, over the texts since the row before. */
  readonly efficacy: number
  /** Mean seconds of a processor that teaching a text took, over the same. */
  readonly seconds_per_text: number
}

export interface Stream {
  readonly name: string
  readonly method: Method
  readonly strength: number
  /** Of the order of the facts, of fresh adapters and of what is drawn. */
  readonly seed: number
  /** Ascending. */
  readonly counts: readonly number[]
}

export async function* taught<M>(
  bench: Bench,
  facts: readonly Fact[],
  measure: Measure<M>,
  { name, method, strength, seed, counts }: Stream,
): AsyncGenerator<Taught & M> {
  const { model } = bench
  const order = shuffled(facts, seed).slice(0, counts.at(-1))
  const teach = method.teaching(bench, strength, seed)
  await model.begin(await method.begins(bench, seed))
  let [gained, seconds, since] = [0, 0, 0]
  for (const [i, fact] of order.entries()) {
    const [ask, context] = [prompt(fact), method.context?.(fact) ?? '']
    const nats = async (before: string) =>
      (await model.logProbabilities([asExample(model.tokenizer, before + ask, answer(fact))]))[0]!
    const before = await nats('')
    const start = process.cpuUsage()
    await teach(fact, i + 1)
    const { user, system } = process.cpuUsage(start)
    seconds += (user + system) / 1e6
    gained += (await nats(context)) - before
    since++
    if (!counts.includes(i + 1)) continue
    yield {
      ...{ method: name, strength, seed, texts: i + 1, efficacy: gained / since },
      ...(await measure(order.slice(0, i + 1), method.context)),
      seconds_per_text: seconds / since,
    }
    ;[gained, seconds, since] = [0, 0, 0]
  }
}

/** How many streams are taught up to a count: so many that at least a dozen texts are asked for, and one alone of a long one. */
export const streamsTo = (count: number, seeds: number): number =>
  count > LONG ? 1 : Math.max(seeds, Math.ceil(LEAST / count))

const [LONG, LEAST] = [100, 12]

/** The counts that each stream is measured at, from that of the first seed on. */
export function countsOfStreams(counts: readonly number[], seeds: number): number[][] {
  const ascending = [...counts].sort((a, b) => a - b)
  const most = Math.max(...ascending.map((count) => streamsTo(count, seeds)))
  return Array.from({ length: most }, (_, stream) =>
    ascending.filter((count) => streamsTo(count, seeds) > stream),
  )
}
