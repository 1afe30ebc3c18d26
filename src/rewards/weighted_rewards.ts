/**
 * Several sources of scores at once: what a response gets is the weighted sum of their scores.
 * @module
 */
import type { RewardFunction } from './reward_function.ts'
import type { RewardSample } from './reward_sample.ts'
import type { RewardSource } from './reward_source.ts'

/** Sources and what each weighs, under TRL's names. */
export interface WeightedSources {
  readonly reward_funcs: readonly RewardSource[]
  /** As many; null: 1 each. */
  readonly reward_weights?: readonly number[] | null | undefined
}

export interface Scores {
  /** Σ weight·score, one per sample. */
  readonly total: readonly number[]
  /** The scores that each source gave, by its name in logs. */
  readonly each: Readonly<Record<string, readonly number[]>>
}

/** Opened sources. */
export interface WeightedRewards extends RewardFunction {
  scores(samples: readonly RewardSample[]): Promise<Scores>
}

/** Opens the sources one after the other; of equal names the second is `<name>_2`. */
export async function openRewards(
  { reward_funcs, reward_weights }: WeightedSources,
  open: (source: RewardSource) => Promise<RewardFunction>,
): Promise<WeightedRewards> {
  const opened: RewardFunction[] = []
  const release = async () => {
    for (const one of opened.splice(0)) await one.release()
  }
  try {
    for (const source of reward_funcs) opened.push(await open(source))
  } catch (error) {
    await release()
    throw error
  }
  const weights = reward_weights ?? reward_funcs.map(() => 1)
  const names = uniqueNames(reward_funcs.map(sourceName))
  const scores: WeightedRewards['scores'] = async (samples) => {
    const each: number[][] = []
    for (const one of opened) each.push(await one.score(samples))
    return {
      total: samples.map((_, i) => each.reduce((sum, given, k) => sum + weights[k]! * given[i]!, 0)),
      each: Object.fromEntries(names.map((name, k) => [name, each[k]!])),
    }
  }
  const name =
    opened.length === 1 ? opened[0]!.name : `the weighted sum of ${opened.map((one) => one.name).join(', ')}`
  return { name, scores, score: async (samples) => [...(await scores(samples)).total], release }
}

/** What logs call it: a metric's name, or that of a file or folder. */
function sourceName(source: RewardSource): string {
  if ('metric' in source) return source.metric
  if ('pattern' in source) return 'pattern'
  const path = 'function' in source ? source.function.replace(/\.\w+$/, '') : source.model
  return path.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '')
}

const uniqueNames = (names: readonly string[]): string[] =>
  names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length
    return before === 0 ? name : `${name}_${before + 1}`
  })
