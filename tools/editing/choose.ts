/**
 * How strongly each method edits is chosen on validation facts: of what it tries, the strength under which the facts taught gained
 * most while held-out perplexity rose by no more than it may.
 * @module
 */
import type { Facts } from './facts.ts'
import { measuring } from './measures.ts'
import type { Bench, Method } from './method.ts'
import { taught } from './stream.ts'

/** Texts one after the other. */
const TEXTS = 20

/** Of held-out perplexity over what it was. */
const MOST = 1.05

export interface Tried {
  readonly method: string
  readonly strength: number
  /** Mean nats gained on all texts. */
  readonly retention: number
  readonly perplexity_ratio: number
}

/** What each strength does. */
export async function* tried(
  bench: Bench,
  { validation, heldOut }: Facts,
  name: string,
  method: Method,
): AsyncGenerator<Tried> {
  const { likelihoods } = measuring({ model: bench.model, heldOut, neighbours: () => [], most: TEXTS })
  for (const strength of method.strength?.tried ?? []) {
    const stream = { name, method, strength, seed: 0, counts: [TEXTS] }
    for await (const { retention, perplexity_ratio } of taught(bench, validation, likelihoods, stream))
      yield { method: name, strength, retention, perplexity_ratio }
  }
}

/** The best of what was tried; where all do more damage than they may, the one that does least. */
export function chosen(tried: readonly Tried[]): Tried {
  const allowed = tried.filter(({ perplexity_ratio }) => perplexity_ratio <= MOST)
  const by = (value: (one: Tried) => number, of: readonly Tried[]) =>
    of.reduce((best, one) => (value(one) > value(best) ? one : best))
  return allowed.length > 0
    ? by(({ retention }) => retention, allowed)
    : by(({ perplexity_ratio }) => -perplexity_ratio, tried)
}
