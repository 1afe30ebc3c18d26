/**
 * Initial weights, from a seed.
 *
 * Weights ~ N(0, σ²) with σ = initializer_range (.02); GPT-2's two projections into the residual stream, c_proj, have
 * σ/√(2·n_layer) instead, so that the stream's variance does not grow with depth (Radford et al. 2019, §2.3). Biases are
 * 0; LayerNorm weights 1.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { headShapes, isBert } from '../../graphs/models/encoder.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { ownShapes } from '../formats/model_folder.ts'
import type { FloatTensor } from '../formats/safetensors.ts'
import { createRandom } from '../random.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'

/** Fresh parameters under transformers' names. Each has a random stream of its own, named by the seed and its name. */
export function seededWeights(config: EncoderConfig, seed: number): Map<string, FloatTensor> {
  const weights = new Map<string, FloatTensor>()
  for (const [name, shape] of ownShapes(config)) {
    const data = new Float32Array(sizeOf(shape))
    if (/\.(ln_\w+|LayerNorm)\.weight$/.test(name)) data.fill(1)
    else if (name.endsWith('.weight')) {
      const random = createRandom(seed, 'initial weights', name)
      const residual = !isBert(config) && name.endsWith('.c_proj.weight')
      const deviation = config.initializer_range / (residual ? Math.sqrt(2 * config.n_layer) : 1)
      for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal()
    }
    weights.set(name, { shape, data })
  }
  return weights
}

/**
 * A fresh adapter: A ~ N(0, .01²), B = 0, so that the adapted model starts as the base model (Hu et al. 2021, §4.1).
 * Writes into the memory's parameters, whose names end in `lora_A.weight` or `lora_B.weight`.
 */
export function initialAdapter(memory: ParameterMemory, seed: number): void {
  for (const name of memory.names) {
    const { parameter } = memory.views(name)
    parameter.fill(0)
    if (!name.endsWith('.lora_A.weight')) continue
    const random = createRandom(seed, 'initial adapter', name)
    for (let i = 0; i < parameter.length; i++) parameter[i] = 0.01 * random.normal()
  }
}

/** A fresh head: weight ~ N(0, initializer_range²), as transformers draws it, and bias 0. */
export function initialHead(memory: ParameterMemory, config: EncoderConfig, seed: number): void {
  const [weight, bias] = [...headShapes(config, 1).keys()]
  if (bias !== undefined) memory.views(bias).parameter.fill(0)
  const { parameter } = memory.views(weight!)
  const random = createRandom(seed, 'initial head')
  for (let i = 0; i < parameter.length; i++) parameter[i] = config.initializer_range * random.normal()
}

/** Where a run keeps the plastic blocks that it starts from, where they are another run's. */
export const INITIAL_NPT = 'initial_npt.safetensors'

/** Fresh plastic blocks: A ~ N(0, (init_scale/√n_embd)²), B ~ N(0, (init_scale/√rank)²). */
export function initialPlasticBlocks(memory: ParameterMemory, { init_scale }: NptConfig, seed: number): void {
  for (const name of memory.names) {
    if (!/\.npt_[AB]$/.test(name)) continue
    const { parameter, shape } = memory.views(name)
    // Of A [n_embd, rank] and of B [rank, n_inner] it is the first dimension that the products sum over.
    const deviation = init_scale / Math.sqrt(shape[0]!)
    const random = createRandom(seed, 'initial plastic blocks', name)
    for (let i = 0; i < parameter.length; i++) parameter[i] = deviation * random.normal()
  }
}
