/**
 * Scaled dot-product attention. Vaswani et al.: Attention Is All You Need (2017).
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { isHalf, wideType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import {
  add,
  and,
  cast,
  cumsum,
  equal,
  greaterOrEqual,
  less,
  matmul,
  mul,
  positions,
  reduceSum,
  softmax,
  sub,
  swapLast,
  unsqueeze,
  where,
  widened,
} from '../ops/index.ts'
import { grouping } from './grouping.ts'
import { late } from './late.ts'

/** Attention of one layer over q [batch, heads, positions, head_size], k and v of as many heads or fewer: with a mask, with a cache, … */
export type Attend = (layer: number, q: Value, k: Value, v: Value) => Value

/**
 * Dropout of attention probabilities, [batch, heads, queries, keys]: the function that drops, the same whenever it is made.
 *
 * @param dO the gradient that the backward pass makes it after
 */
export type Dropped = (dO?: Value) => (x: Value) => Value

/**
 * Far below any score, yet finite: a row that may attend to nothing gives a uniform softmax and no NaN. float16 has no such number:
 * masks are of float32 in graphs of 16 bits, too.
 */
const MASKED = -1e9

/**
 * What is added to the scores so that position i sees position j only where j ≤ i and both belong to the same example.
 *
 * @param attentionMask int64 [batch, sequence]: 0 at padding, 1 at tokens; in a packed sequence 1, 2, … number the examples
 * @returns [batch, 1, sequence, sequence]: 0 where allowed, −1e9 elsewhere
 */
export function causalMask(attentionMask: Value, dtype: FloatType): Value {
  const parts = compared(attentionMask)
  return maskFrom(parts, parts, equal(ofQueries(parts), ofKeys(parts)), dtype)
}

/**
 * The same for a prompt with two answers behind it: each answer sees the prompt and itself, as if the other were not there.
 *
 * @param attentionMask int64 [batch, sequence]: 0 at padding, 1 in the prompt, 2 and 3 in the answers
 * @returns [batch, 1, sequence, sequence]
 */
export function answersMask(attentionMask: Value, dtype: FloatType): Value {
  const parts = compared(attentionMask)
  const [queries, keys] = [ofQueries(parts), ofKeys(parts)]
  // To every query the prompt is of its own part.
  const seen = where(equal(keys, 1), queries, keys)
  return maskFrom(parts, parts, equal(queries, seen), dtype)
}

/**
 * The same where a cache of past positions lies before the new ones.
 *
 * @param fresh any tensor of the new positions, [batch, sequence]
 * @param attentionMask [batch, past + sequence], 1 at tokens and 0 at padding
 * @returns [batch, 1, sequence, past + sequence]
 */
export function cachedCausalMask(fresh: Value, attentionMask: Value, dtype: FloatType): Value {
  const tokens = compared(attentionMask)
  return maskFrom(fresh, tokens, equal(ofKeys(tokens), 1), dtype)
}

/**
 * What is added to the scores so that every position sees every token, and no padding.
 *
 * @param attentionMask int64 [batch, sequence], 1 at tokens and 0 at padding
 * @returns [batch, 1, 1, sequence]: 0 where allowed, −1e9 elsewhere
 */
export function paddingMask(attentionMask: Value, dtype: FloatType): Value {
  const { graph } = attentionMask
  const real = equal(ofKeys(compared(attentionMask)), 1)
  return where(real, graph.scalar(0, wideType(dtype)), MASKED)
}

/**
 * The same where a layer sees but the nearest positions, its own among them. Beltagy, Peters, Cohan: Longformer (2020).
 *
 * @param mask what is added to the scores without a window
 * @param queries positions in their text, float32 [batch, queries]
 * @param keys the same of those who are seen, [batch, keys]
 * @param window how many positions, at most
 * @returns [batch, 1, queries, keys]
 */
export const windowed = (mask: Value, queries: Value, keys: Value, window: number): Value =>
  where(less(sub(ofQueries(queries), ofKeys(keys)), window), mask, MASKED)

/**
 * The positions in their text of a cache's tokens and of those after them: how many tokens stand before each. A cache may have empty
 * slots between.
 *
 * @param attentionMask [batch, past + sequence], 1 at tokens and 0 at padding
 */
export const cachedPositions = (attentionMask: Value): Value =>
  cumsum(compared(attentionMask), 1, { exclusive: true })

/** Whole numbers as masks compare them: as float32, which every device has arithmetic of, and which is exact to 2²⁴. */
const compared = (numbers: Value): Value => cast(numbers, 'float32')

/** [batch, positions] as [batch, 1, positions, 1] and [batch, 1, 1, positions]. */
const ofQueries = (mask: Value): Value => unsqueeze(unsqueeze(mask, 1), 3)
const ofKeys = (mask: Value): Value => unsqueeze(unsqueeze(mask, 1), 1)

/**
 * @param keys any tensor of those who are seen, [batch, keys]
 * @param queries of those who see, [batch, queries]: the last of the keys
 */
function maskFrom(queries: Value, keys: Value, allowed: Value, dtype: FloatType): Value {
  const { graph } = queries
  // Counted from the end, which is the same one, so that no matter how many keys come before.
  const fromEnd = (x: Value) => unsqueeze(positions(x, 1, { fromEnd: true }), 0)
  const causal = greaterOrEqual(ofKeys(fromEnd(keys)), ofQueries(fromEnd(queries)))
  return where(and(causal, allowed), graph.scalar(0, wideType(dtype)), MASKED)
}

/**
 * O = softmax(Q·Kᵀ·scale + mask)·V, with fewer heads of keys and values than of queries, too; see {@link grouping}.
 *
 * The joint gradient takes the softmax's row sums from the small tensors (Dao et al., FlashAttention, 2022):
 * D = Σ dO∘O = Σ dP∘P,  dS = P∘(dP − D),  dQ = scale·dS·K,  dK = scale·dSᵀ·Q,  dV = Pᵀ·dO,  with dP = dO·Vᵀ.
 * With dropout M∘P stands in P's place before V, so that dP = M∘(dO·Vᵀ) and dV = (M∘P)ᵀ·dO; D stays Σ dO∘O.
 *
 * @param q [batch, heads, queries, head_size]
 * @param k [batch, kv_heads, keys, head_size]
 * @param v [batch, kv_heads, keys, head_size]
 * @param mask broadcasts to [batch, heads, queries, keys]; added to the scores
 * @param dropped what drops probabilities
 * @returns [batch, heads, queries, head_size]
 */
export function attention(
  q: Value,
  k: Value,
  v: Value,
  mask: Value,
  scale: number,
  dropped: Dropped = () => (x) => x,
): Value {
  const { joined, parted } = grouping(q, k)
  const probabilities = (queries: Value) =>
    cast(softmax(add(parted(scores(joined(queries), k, scale)), mask)), q.dtype)
  const output = parted(matmul(joined(dropped()(probabilities(q))), v))
  q.graph.composite({
    name: 'attention',
    inputs: [q, k, v],
    outputs: [output],
    gradient: ([dO]) => {
      let P: Value | undefined
      let dS: Value | undefined
      let drop: ReturnType<Dropped> | undefined
      const dropAgain = (x: Value) => (drop ??= q.graph.again(() => dropped(dO)))(x)
      const again = () => (P ??= q.graph.again(() => probabilities(late(q, dO!))))
      const scoreGradient = () =>
        (dS ??= joined(
          mul(
            again(),
            sub(dropAgain(parted(matmul(joined(dO!), swapLast(v)))), reduceSum(mul(dO!, output), [-1])),
          ),
        ))
      return [
        () => mul(parted(matmul(scoreGradient(), k)), scale),
        () => mul(matmul(swapLast(scoreGradient()), joined(q)), scale),
        () => matmul(swapLast(joined(dropAgain(again()))), joined(dO!)),
      ]
    },
  })
  return output
}

/** Q·Kᵀ·scale. Of 16 bits in float32 from here to the probabilities, and scaled first, so that float16 holds the products. */
const scores = (q: Value, k: Value, scale: number): Value =>
  isHalf(q.dtype) ? widened(matmul(mul(q, scale), swapLast(k))) : mul(matmul(q, swapLast(k)), scale)

/**
 * Attention over whole sequences.
 *
 * @param maskOf what is added to the scores of a layer
 * @param droppedOf what drops probabilities of so many heads
 */
export const maskedAttention =
  (
    scale: number,
    maskOf: (layer: number) => Value,
    droppedOf: (heads: number) => Dropped | undefined = () => undefined,
  ): Attend =>
  (layer, q, k, v) =>
    attention(q, k, v, maskOf(layer), scale, droppedOf(q.shape[1] as number))
