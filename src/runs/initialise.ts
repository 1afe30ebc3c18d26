/**
 * Initial weights, from a seed.
 *
 * Weights ~ N(0, σ²) with the family's σ; biases are 0, and norms' weights what leaves their inputs' scale.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { headShapes } from '../../graphs/models/encoder.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import { UserError } from '../errors.ts'
import type { FloatTensor } from '../formats/float_tensor.ts'
import type { Random } from '../random.ts'
import { createRandom } from '../random.ts'
import type { TensorsToFill } from './checkpoint.ts'

/** Most parameters of a model that begins at random; larger ones are trained from weights. */
const MOST_PARAMETERS = 2 ** 29

/**
 * Fresh parameters under transformers' names. Each has a random stream of its own, named by the seed and its name.
 * @throws UserError where there would be too many for memory
 */
export function seededWeights(config: ModelConfig, seed: number): Map<string, FloatTensor> {
  const weights = new Map<string, FloatTensor>()
  const shapes = ownShapes(config)
  const count = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0)
  if (count > MOST_PARAMETERS)
    throw new UserError(
      `the configuration describes a model of ${count.toLocaleString('en')} parameters, too many to begin with at random; make it smaller, or name the folder of a model with weights`,
    )
  for (const [name, shape] of shapes)
    weights.set(name, { shape, data: seededTensor(config, seed, name, shape) })
  return weights
}

/** One of them. */
export function seededTensor(
  config: ModelConfig,
  seed: number,
  name: string,
  shape: readonly number[],
): Float32Array {
  const data = new Float32Array(sizeOf(shape))
  const family = familyOf(config)
  const norm = family.freshNorm(name)
  if (norm !== null) return data.fill(norm)
  if (!name.endsWith('.weight')) return data
  fillNormal(data, family.deviation(config, name), createRandom(seed, 'initial weights', name))
  return data
}

/**
 * A fresh adapter: A ~ N(0, .01²), B = 0, so that the adapted model starts as the base model (Hu et al. 2021, §4.1).
 * Writes the tensors whose names end in `lora_A.weight`; all others become 0.
 */
export async function initialAdapter(tensors: TensorsToFill, seed: number): Promise<void> {
  for (const name of tensors.names) {
    const data = new Float32Array(sizeOf(tensors.shape(name)))
    if (name.endsWith('.lora_A.weight')) fillNormal(data, 0.01, createRandom(seed, 'initial adapter', name))
    await tensors.write(name, 'parameter', data)
  }
}

/** A fresh head: weight ~ N(0, initializer_range²), as transformers draws it, and bias 0. */
export async function initialHead(tensors: TensorsToFill, config: ModelConfig, seed: number): Promise<void> {
  const [weight, bias] = [...headShapes(config, 1).keys()]
  if (bias !== undefined)
    await tensors.write(bias, 'parameter', new Float32Array(sizeOf(tensors.shape(bias))))
  const data = new Float32Array(sizeOf(tensors.shape(weight!)))
  fillNormal(data, config.initializer_range, createRandom(seed, 'initial head'))
  await tensors.write(weight!, 'parameter', data)
}

/** Where a run keeps the plastic blocks that it starts from, where they are another run's. */
export const INITIAL_NPT = 'initial_npt.safetensors'

/** Fresh plastic blocks: A ~ N(0, (init_scale/√width)²), B ~ N(0, (init_scale/√rank)²). */
export async function initialPlasticBlocks(
  tensors: TensorsToFill,
  { init_scale }: NptConfig,
  seed: number,
): Promise<void> {
  for (const name of tensors.names) {
    if (!/\.npt_[AB]$/.test(name)) continue
    const data = new Float32Array(sizeOf(tensors.shape(name)))
    // Of A [width, rank] and of B [rank, inner] it is the first dimension that the products sum over.
    const deviation = init_scale / Math.sqrt(tensors.shape(name)[0]!)
    fillNormal(data, deviation, createRandom(seed, 'initial plastic blocks', name))
    await tensors.write(name, 'parameter', data)
  }
}

function fillNormal(data: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal()
}
