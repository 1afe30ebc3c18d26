/**
 * The same training step in jax-js: one jitted function of weights, moments and tokens.
 *
 * Functions of jax-js take their arguments away; `.ref` keeps an array for one more use.
 * @module
 */
import type { Array as JaxArray } from '@jax-js/jax'
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax'

import { isDecayed } from '../../../graphs/optimizers/adamw.ts'
import type { WebProvider } from '../../../src/runtime/web.ts'
import type { StepShape, Weights } from './shape.ts'
import { ADAMW, stepData } from './shape.ts'

type Arrays = Record<string, JaxArray>

/** Opens the step. Each call makes one, and gives its loss. */
export async function openJaxStep(provider: WebProvider, shape: StepShape): Promise<() => Promise<number>> {
  const started = await init(provider)
  if (!started.includes(provider)) throw new Error(`jax-js has no ${provider} here`)
  defaultDevice(provider)
  const { trained, frozen, tokens, labels, config } = stepData(shape)
  const { batch, length } = shape
  const loss = lossOf(shape, config.layer_norm_epsilon)
  const update = jit(
    (p: Arrays, m: Arrays, v: Arrays, fixed: Arrays, x: JaxArray, y: JaxArray, bias: JaxArray) => {
      const [value, gradients] = valueAndGrad(loss)(
        { ...tree.ref(p), [OFFSET]: np.zeros([1, shape.vocabulary]) },
        fixed,
        x,
        y,
      )
      const { [OFFSET]: offset, ...trained } = gradients
      return [value, offset!, ...adamw(p, m, v, trained, bias)] as const
    },
  )

  const ids = np.array(tokens, { dtype: np.int32 }).reshape([batch, length])
  const targets = np.array(labels, { dtype: np.int32 })
  const fixed = arrays(frozen)
  let p = arrays(trained)
  let m = zeros(trained)
  let v = zeros(trained)
  let step = 0
  return async () => {
    step++
    const { beta1, beta2 } = ADAMW
    const bias = np.array([1 - beta1 ** step, Math.sqrt(1 - beta2 ** step)])
    const made = update(p, m, v, tree.ref(fixed), ids.ref, targets.ref, bias)
    const [value, offset] = made
    ;[, , p, m, v] = made
    await blockUntilReady(made)
    offset.dispose()
    return (await value.jsAsync()) as number
  }
}

/**
 * An offset of zeros on the logits, whose gradient nobody uses: without it `jit` computes the gradient of the logits anew within the
 * product after it where the head is frozen, which takes several times as long as the whole step.
 */
const OFFSET = 'offset'

const arrays = (weights: Weights): Arrays =>
  Object.fromEntries(
    [...weights].map(([name, { shape, data }]) => [
      name,
      np.array(data as Float32Array<ArrayBuffer>).reshape([...shape]),
    ]),
  )

const zeros = (weights: Weights): Arrays =>
  Object.fromEntries([...weights].map(([name, { shape }]) => [name, np.zeros([...shape])]))

/** The mean loss of GPT-2. */
function lossOf({ layers, heads, width, vocabulary, batch, length, lora }: StepShape, epsilon: number) {
  const scale = lora === 'full' ? 1 : lora.lora_alpha / lora.r
  return (trained: Arrays, fixed: Arrays, ids: JaxArray, labels: JaxArray): JaxArray => {
    const weights: Arrays = { ...fixed, ...trained }
    const weight = (name: string) => weights[name]!.ref

    const norm = (x: JaxArray, name: string) =>
      nn
        .standardize(x, -1, { epsilon })
        .mul(weight(`${name}.weight`))
        .add(weight(`${name}.bias`))

    const project = (x: JaxArray, name: string) => {
      const base = np.matmul(x.ref, weight(`${name}.weight`)).add(weight(`${name}.bias`))
      if (!weights[`${name}.lora_A.weight`]) return (x.dispose(), base)
      // y = x·W + b + α/r·(x·Aᵀ)·Bᵀ
      const down = np.matmul(x, np.matrixTranspose(weight(`${name}.lora_A.weight`)))
      const up = np.matmul(down, np.matrixTranspose(weight(`${name}.lora_B.weight`)))
      return base.add(up.mul(scale))
    }

    const attention = (x: JaxArray, name: string) => {
      const qkv = project(x, `${name}.c_attn`).reshape([batch, length, 3 * heads, width / heads])
      const [q, k, v] = np.split(qkv, 3, 2)
      const mixed = nn.dotProductAttention(q!, k!, v!, { isCausal: true })
      return project(mixed.reshape([batch * length, width]), `${name}.c_proj`)
    }

    const mlp = (x: JaxArray, name: string) => project(nn.gelu(project(x, `${name}.c_fc`)), `${name}.c_proj`)

    const positions = weight('transformer.wpe.weight')
    let h = np
      .take(weight('transformer.wte.weight'), ids, 0)
      .add(positions)
      .reshape([batch * length, width])
    for (let layer = 0; layer < layers; layer++) {
      const block = `transformer.h.${layer}`
      h = h.ref.add(attention(norm(h, `${block}.ln_1`), `${block}.attn`))
      h = h.ref.add(mlp(norm(h, `${block}.ln_2`), `${block}.mlp`))
    }
    h = norm(h, 'transformer.ln_f')
    const logits = np.matmul(h, np.matrixTranspose(weight('transformer.wte.weight'))).add(weight(OFFSET))
    // The logit of the label, of each position. `takeAlongAxis` has a gradient that `jit` cannot compile.
    const isLabel = np.equal(labels.reshape([batch * length, 1]), np.arange(vocabulary))
    const ofLabel = np.where(isLabel, logits.ref, 0).sum(1)
    const loss = nn.logsumexp(logits, 1).sub(ofLabel).mean()
    tree.dispose(weights)
    return loss
  }
}

/** AdamW with clipping, as `graphs/optimizers/adamw.ts` says it; `bias` is [1 − β₁ᵗ, √(1 − β₂ᵗ)]. */
function adamw(p: Arrays, m: Arrays, v: Arrays, gradients: Arrays, bias: JaxArray): [Arrays, Arrays, Arrays] {
  const { learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm } = ADAMW
  const names = Object.keys(p)
  const norm = np.sqrt(names.map((name) => np.square(gradients[name]!.ref).sum()).reduce((a, b) => a.add(b)))
  const clip = np.minimum(np.array(maxGradNorm).div(norm.add(1e-6)), 1)
  const [bias1, rootBias2] = np.split(bias, 2).map((x) => x.reshape([]))
  const [newP, newM, newV]: [Arrays, Arrays, Arrays] = [{}, {}, {}]
  for (const name of names) {
    const g = gradients[name]!.mul(clip.ref)
    newM[name] = m[name]!.mul(beta1).add(g.ref.mul(1 - beta1))
    newV[name] = v[name]!.mul(beta2).add(np.square(g).mul(1 - beta2))
    const denominator = np.sqrt(newV[name].ref).div(rootBias2!.ref).add(epsilon)
    const change = newM[name].ref.div(bias1!.ref).div(denominator).mul(learningRate)
    const keep = isDecayed(p[name]!.shape) ? 1 - learningRate * weightDecay : 1
    newP[name] = p[name]!.mul(keep).sub(change)
  }
  for (const used of [clip, bias1!, rootBias2!]) used.dispose()
  return [newP, newM, newV]
}
