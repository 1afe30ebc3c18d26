/**
 * Kahneman-Tversky optimization, top to bottom. Ethayarajh et al.: KTO: Model Alignment as Prospect Theoretic Optimization
 * (2024).
 *
 * As people weigh gains and losses from where they stand, an answer has a value by how far its implicit reward
 *
 *     r(x, y) = log(π(y | x) / π_ref(y | x)),   log π(y | x) = Σ over the answer's tokens of log π(token | before)
 *
 * is above or below a reference point z₀, and it levels off on either side. No answer needs another one beside it:
 *
 *     L = mean over rows of   w_D·(1 − σ(β(r − z₀)))   of desirable answers,
 *                             w_U·(1 − σ(β(z₀ − r)))   of undesirable ones
 *
 * z₀ = max(0, mean of r over mismatched rows), each prompt with the completion of another one, estimates how far the policy is
 * from the reference, KL(π ‖ π_ref). It is a number to the loss, without a gradient, and is taken over all rows of a step, so
 * that cutting a step into micro-batches changes nothing; over all rows of a data set that is evaluated.
 * @module
 */
import type { Batch, Reading } from '../../data/batches/batches.ts'
import { sequentialBatches } from '../../data/batches/batches.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import type { DataSet } from '../../data/sets/data_set.ts'
import type { Objective } from '../../learning/gradient_descent.ts'
import type { HostTensor, Session, Tensors } from '../../runtime/session.ts'
import { collateUnpaired } from './collate.ts'
import type { KtoMetrics } from './metrics.ts'
import { ktoMetrics } from './metrics.ts'
import type { Rows } from './mismatched.ts'
import { mismatchedBatches } from './mismatched.ts'

type Sequences = Batch['sequences']

/** log π(y | x) of rows, [rows]. */
export type LogProbabilities = (rows: Sequences) => Promise<Float32Array>

/** Those of a model. The parameters are the evaluation graph's, and may be views on what is trained. */
export const logProbabilitiesOf =
  (evaluation: Session, parameters: Tensors): LogProbabilities =>
  async (rows) => {
    const feeds = collateUnpaired(rows, {
      reference: new Float32Array(rows.length),
      kl: 0,
      total: rows.length,
    })
    const { logps } = await evaluation.run({ ...feeds, ...parameters }, { outputs: ['logps'] })
    return logps!.data as Float32Array
  }

/** How rows are run to find z₀. */
export interface KlOptions {
  readonly batchSize: number
  /** Most tokens of a mismatched row. */
  readonly longest: number
}

/** z₀ = max(0, mean of log π − log π_ref); 0 of none. */
const klOf = (policy: readonly number[], reference: readonly number[]): number =>
  policy.length === 0
    ? 0
    : Math.max(0, policy.reduce((sum, logp, i) => sum + logp - reference[i]!, 0) / policy.length)

/** log π of all mismatched rows. */
async function mismatchedLogps(rows: Rows, tell: LogProbabilities, options: KlOptions): Promise<number[]> {
  const logps: number[] = []
  for (const batch of mismatchedBatches(rows, options)) logps.push(...(await tell(batch)))
  return logps
}

export interface KtoSettings extends KlOptions {
  readonly policy: LogProbabilities
  readonly reference: LogProbabilities
  /** Whether there is a z₀; otherwise it is 0. */
  readonly anchored: boolean
}

/** The step's loss is a mean over all its rows, with one z₀. */
export function ktoObjective({ policy, reference, anchored, ...options }: KtoSettings): Objective {
  let found: { readonly of: Sequences; readonly kl: number } | undefined

  /** z₀ of a step, which is found before its first micro-batch. */
  async function klOfStep(all: Sequences): Promise<number> {
    if (found?.of === all) return found.kl
    const rows = { size: all.length, row: (i: number): EncodedExample => all[i]![0]! }
    const [ours, theirs] = anchored
      ? [await mismatchedLogps(rows, policy, options), await mismatchedLogps(rows, reference, options)]
      : [[], []]
    found = { of: all, kl: klOf(ours, theirs) }
    return found.kl
  }

  return {
    weight: (examples) => examples.length,
    feeds: async (rows, { total, all }) => {
      const kl = await klOfStep(all)
      return collateUnpaired(rows, { reference: await reference(rows), kl, total })
    },
    metrics: (outputs, { sequences }) => ({ kl: found!.kl, ...ktoMetrics(outputs, sequences) }),
  }
}

/** log π_ref of a data set: of its rows, and of its mismatched rows. */
export interface MeasuredReference {
  readonly own: readonly number[]
  readonly mismatched: readonly number[]
}

export interface MeasureOptions extends KlOptions {
  /** Whether mismatched rows are measured. */
  readonly anchored: boolean
  /** Called with the rows that have been read. */
  readonly onRows?: (rows: number) => void
}

/** Asks a reference for all that an evaluation needs of it. */
export async function measureReference(
  reference: LogProbabilities,
  dataset: DataSet,
  { anchored, onRows, ...options }: MeasureOptions,
): Promise<MeasuredReference> {
  const own: number[] = []
  const tell: LogProbabilities = async (rows) => {
    const logps = await reference(rows)
    onRows?.(rows.length)
    return logps
  }
  for (const { sequences } of sequentialBatches(dataset, options)) own.push(...(await tell(sequences)))
  return { own, mismatched: anchored ? await mismatchedLogps(dataset, tell, options) : [] }
}

export interface KtoEvaluation {
  /** Mean per row. */
  readonly loss: number
  /** z₀ */
  readonly kl: number
  readonly metrics: KtoMetrics
}

/**
 * Runs the evaluation graph over every row, in order; z₀ is that of the whole data set, for which its mismatched rows are read first.
 *
 * @param parameters of the policy
 */
export async function evaluateKto(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  reference: MeasuredReference,
  { watch, ...options }: KlOptions & Pick<Reading, 'watch'>,
): Promise<KtoEvaluation> {
  const before = reference.mismatched.length
  const anchored = before > 0
  const all = before + dataset.size
  const ask = logProbabilitiesOf(session, parameters)
  let mismatched = 0
  const policy: LogProbabilities = async (some) => {
    watch?.(mismatched, all)
    mismatched += some.length
    return ask(some)
  }
  const kl = klOf(anchored ? await mismatchedLogps(dataset, policy, options) : [], reference.mismatched)
  const outputs: Record<string, HostTensor>[] = []
  const rows: Sequences[number][] = []
  let sum = 0
  const reading = { ...options, watch: (done: number) => watch?.(before + done, all) }
  for (const { sequences } of sequentialBatches(dataset, reading)) {
    const [first, total] = [rows.length, sequences.length]
    const own = Float32Array.from(reference.own.slice(first, first + total))
    const output = await session.run({
      ...collateUnpaired(sequences, { reference: own, kl, total }),
      ...parameters,
    })
    sum += total * (output['loss']!.data[0] as number)
    outputs.push(output)
    rows.push(...sequences)
  }
  return { loss: sum / rows.length, kl, metrics: ktoMetrics(outputs, rows) }
}
