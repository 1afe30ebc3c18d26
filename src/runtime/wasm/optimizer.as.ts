/**
 * AssemblyScript (not TypeScript): the optimizer's inner loops, compiled to WASM-SIMD by `tools/wasm/build.ts`.
 *
 * Every function works on float32 arrays in the imported memory, given as byte offsets that are multiples of 64;
 * `n` counts elements. Sixteen floats are done at a time (four vectors: a quarter fewer cycles than one), so an array
 * is followed by zeros up to a multiple of sixteen elements, and what is computed there stays zero.
 *
 * AdamW: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, in the order of
 * operations PyTorch applies it.
 * The plastic update: design of neuro-plastic fine-tuning in `docs/plasticity.md`.
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

const BLOCK: usize = 64

/** The bytes that hold n floats, in whole blocks. */
function block_bytes(n: u32): usize {
  return (((<usize>n) << 2) + (BLOCK - 1)) & ~(BLOCK - 1)
}

/** A trace below it moves nothing that could be felt, and its products would be denormal. */
const TINY_TRACE: f32 = 1e-12

/** Zero where |x| is below `threshold`, else x; a NaN passes. */
function flush(x: v128, threshold: f32): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(threshold)))
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

  const end = block_bytes(n)
  for (let i: usize = 0; i < end; i += BLOCK) {
    inline.always(adamw4(p, g, m, v, i, keep_p, new_m, keep_v, new_v, rate, root_scale, epsilon, scale))
    inline.always(adamw4(p, g, m, v, i + 16, keep_p, new_m, keep_v, new_v, rate, root_scale, epsilon, scale))
    inline.always(adamw4(p, g, m, v, i + 32, keep_p, new_m, keep_v, new_v, rate, root_scale, epsilon, scale))
    inline.always(adamw4(p, g, m, v, i + 48, keep_p, new_m, keep_v, new_v, rate, root_scale, epsilon, scale))
  }
}

/** `adamw` on the four elements that begin `at` bytes into each array. */
function adamw4(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  at: usize,
  keep_p: v128,
  new_m: v128,
  keep_v: v128,
  new_v: v128,
  rate: v128,
  root_scale: v128,
  epsilon: v128,
  scale: v128,
): void {
  // All loads stand before the first store: the arrays often lie a multiple of 4 KiB apart, and a load whose low
  // twelve address bits equal those of a store in flight waits for it.
  const gradient = f32x4.mul(v128.load(g + at), scale)
  const old_m = v128.load(m + at)
  const old_v = v128.load(v + at)
  const old_p = v128.load(p + at)

  const moment = flush(f32x4.add(old_m, f32x4.mul(new_m, f32x4.sub(gradient, old_m))), TINY_MOMENT)
  const squarable = flush(gradient, TINY_GRADIENT)
  const new_square = f32x4.mul(f32x4.mul(new_v, squarable), squarable)
  const square = flush(f32x4.add(f32x4.mul(old_v, keep_v), new_square), TINY_SQUARE)
  const root = f32x4.add(f32x4.mul(f32x4.sqrt(square), root_scale), epsilon)
  const update = f32x4.div(f32x4.mul(rate, moment), root)

  v128.store(m + at, moment)
  v128.store(v + at, square)
  v128.store(p + at, f32x4.sub(f32x4.mul(old_p, keep_p), update))
}

/**
 * The plastic update of n weights p with gradients g and eligibility traces e ≥ 0, after their AdamW step. `unit` is what |g| is
 * multiplied by to be one of a tensor of norm 1; −r = by_gradient·g + constant, both times η·β; keep = 1 − η·λ.
 *
 *   e ← γ·e + unit·|g|
 *   p ← keep·p − (by_gradient·g + constant)·min(e, 1)
 *
 * Where η is 0, keep is 1 and the others +0, which leaves every bit of p as it is. Gives Σ e².
 */
export function plastic(
  p: usize,
  g: usize,
  e: usize,
  n: u32,
  gamma: f64,
  unit: f64,
  keep: f64,
  by_gradient: f64,
  constant: f64,
): f64 {
  const decay = f32x4.splat(f32(gamma))
  const norm = f32x4.splat(f32(unit))
  const keep_p = f32x4.splat(f32(keep))
  const factor = f32x4.splat(f32(by_gradient))
  const term = f32x4.splat(f32(constant))
  const one = f32x4.splat(1)
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  const end = block_bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const gradient = v128.load(g + i)
    const old_e = v128.load(e + i)
    const old_p = v128.load(p + i)

    const trace = flush(f32x4.add(f32x4.mul(old_e, decay), f32x4.mul(f32x4.abs(gradient), norm)), TINY_TRACE)
    const r = f32x4.add(f32x4.mul(flush(gradient, TINY_GRADIENT), factor), term)
    const update = f32x4.mul(r, f32x4.pmin(trace, one))
    low = f64x2.add(low, squares(trace))
    high = f64x2.add(high, squares(v128.shuffle<i64>(trace, trace, 1, 0)))

    v128.store(e + i, trace)
    v128.store(p + i, f32x4.sub(f32x4.mul(old_p, keep_p), update))
  }
  const sum = f64x2.add(low, high)
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/**
 * Σ g² with float64 products and sums, so that millions of equal terms do not stall. Not finite exactly when some
 * element is not: the squares of 2³⁰ of the largest float32 stay far inside float64's range.
 */
export function sum_of_squares(g: usize, n: u32): f64 {
  let a = f64x2.splat(0)
  let b = f64x2.splat(0)
  let c = f64x2.splat(0)
  let d = f64x2.splat(0)
  const end = g + block_bytes(n)
  while (g < end) {
    a = f64x2.add(a, squares(v128.load64_zero(g, 0)))
    b = f64x2.add(b, squares(v128.load64_zero(g, 8)))
    c = f64x2.add(c, squares(v128.load64_zero(g, 16)))
    d = f64x2.add(d, squares(v128.load64_zero(g, 24)))
    a = f64x2.add(a, squares(v128.load64_zero(g, 32)))
    b = f64x2.add(b, squares(v128.load64_zero(g, 40)))
    c = f64x2.add(c, squares(v128.load64_zero(g, 48)))
    d = f64x2.add(d, squares(v128.load64_zero(g, 56)))
    g += BLOCK
  }
  const sum = f64x2.add(f64x2.add(a, b), f64x2.add(c, d))
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** The squares of two floats, in float64. */
function squares(two: v128): v128 {
  const wide = f64x2.promote_low_f32x4(two)
  return f64x2.mul(wide, wide)
}

/** acc ← acc + g */
export function accumulate(acc: usize, g: usize, n: u32): void {
  const end = acc + block_bytes(n)
  while (acc < end) {
    v128.store(acc, f32x4.add(v128.load(acc, 0), v128.load(g, 0)), 0)
    v128.store(acc, f32x4.add(v128.load(acc, 16), v128.load(g, 16)), 16)
    v128.store(acc, f32x4.add(v128.load(acc, 32), v128.load(g, 32)), 32)
    v128.store(acc, f32x4.add(v128.load(acc, 48), v128.load(g, 48)), 48)
    acc += BLOCK
    g += BLOCK
  }
}
