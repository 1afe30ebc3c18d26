/**
 * AssemblyScript (not TypeScript): the optimizer's inner loops, compiled to WASM-SIMD by `tools/wasm/build.ts`.
 *
 * Every function works on float32 arrays in the imported memory, given as byte offsets that are multiples of 16;
 * `n` counts elements. Four floats are done at a time, so an array is followed by zeros up to a multiple of four
 * elements, and what is computed there stays zero.
 *
 * AdamW: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, in the order of
 * operations PyTorch applies it.
 * @module
 */

// Denormals. A moment that no longer receives gradient decays geometrically into the denormal range, where this
// loop runs an order of magnitude slower (an embedding row outside the batch gets there in some hundreds of steps).
// Three thresholds keep the intermediate values normal, and none of them can be felt in a parameter:
//   |m| below 1e-30  moves a parameter by less than lr · 1e-30 / eps, some 1e-26
//    v below 2⁻¹²⁶   (the smallest normal) has a root far under any eps
//   |g| below 1e-17  has a square that changes v by as little
const TINY_MOMENT: f32 = 1e-30
const TINY_SQUARE: f32 = 1.1754943508222875e-38
const TINY_GRADIENT: f32 = 1e-17

/** The bytes that hold n floats, in whole vectors. */
// @ts-ignore: decorator
@inline
function vector_bytes(n: u32): usize {
  return ((<usize>n + 3) & ~3) << 2
}

/** Zero where |x| is below `threshold`, else x; a NaN passes. */
// @ts-ignore: decorator
@inline
function flush(x: v128, threshold: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), threshold))
}

/**
 * One AdamW step on n parameters p with gradients g, first moments m and second moments v. `grad_scale` multiplies
 * g first (clipping). `bias1` = 1 − beta1ᵗ, `bias2` = 1 − beta2ᵗ at step t = 1, 2, …
 *
 *   p ← p − lr·weight_decay·p
 *   m ← m + (1 − beta1)·(g − m)
 *   v ← beta2·v + (1 − beta2)·g²
 *   p ← p − lr/bias1 · m / (√v/√bias2 + eps)
 */
export function adamw(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  n: u32,
  lr: f64,
  beta1: f64,
  beta2: f64,
  eps: f64,
  weight_decay: f64,
  bias1: f64,
  bias2: f64,
  grad_scale: f64,
): void {
  // Scalars are combined in float64 and rounded once.
  const keep_p = f32x4.splat(f32(1.0 - lr * weight_decay))
  const new_m = f32x4.splat(f32(1.0 - beta1))
  const keep_v = f32x4.splat(f32(beta2))
  const new_v = f32x4.splat(f32(1.0 - beta2))
  const rate = f32x4.splat(f32(lr / bias1))
  const root_scale = f32x4.splat(f32(1.0 / Math.sqrt(bias2)))
  const epsilon = f32x4.splat(f32(eps))
  const scale = f32x4.splat(f32(grad_scale))
  const tiny_moment = f32x4.splat(TINY_MOMENT)
  const tiny_square = f32x4.splat(TINY_SQUARE)
  const tiny_gradient = f32x4.splat(TINY_GRADIENT)

  const end = vector_bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const gradient = f32x4.mul(v128.load(g + i), scale)

    const old_m = v128.load(m + i)
    const moment = flush(f32x4.add(old_m, f32x4.mul(new_m, f32x4.sub(gradient, old_m))), tiny_moment)
    v128.store(m + i, moment)

    const squarable = flush(gradient, tiny_gradient)
    const new_square = f32x4.mul(f32x4.mul(new_v, squarable), squarable)
    const square = flush(f32x4.add(f32x4.mul(v128.load(v + i), keep_v), new_square), tiny_square)
    v128.store(v + i, square)

    const root = f32x4.add(f32x4.mul(f32x4.sqrt(square), root_scale), epsilon)
    const decayed = f32x4.mul(v128.load(p + i), keep_p)
    v128.store(p + i, f32x4.sub(decayed, f32x4.div(f32x4.mul(rate, moment), root)))
  }
}

/**
 * Σ g² with float64 products and sums, so that millions of equal terms do not stall. Not finite exactly when some
 * element is not: the squares of 2³⁰ of the largest float32 stay far inside float64's range.
 */
export function sum_of_squares(g: usize, n: u32): f64 {
  let low_sum = f64x2.splat(0)
  let high_sum = f64x2.splat(0)
  const end = vector_bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const four = v128.load(g + i)
    const low = f64x2.promote_low_f32x4(four)
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 2, 3))
    low_sum = f64x2.add(low_sum, f64x2.mul(low, low))
    high_sum = f64x2.add(high_sum, f64x2.mul(high, high))
  }
  const both = f64x2.add(low_sum, high_sum)
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
}

/** acc ← acc + g */
export function accumulate(acc: usize, g: usize, n: u32): void {
  const end = vector_bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    v128.store(acc + i, f32x4.add(v128.load(acc + i), v128.load(g + i)))
  }
}
