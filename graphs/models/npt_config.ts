/**
 * Which blocks of a model are plastic, and the tensors that makes.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph } from '../ir/graph.ts'
import type { PlasticBlocks } from '../layers/npt.ts'
import type { ModelConfig, PlasticModules } from './family.ts'
import { factsOf, familyOf } from './family.ts'
import type { ParameterShapes } from './parameters.ts'
import { frozenParameters, inputParameters } from './parameters.ts'

export interface NptConfig {
  /** Rank of the update. */
  readonly rank: number
  /** s: modulations lie within ±s. */
  readonly modulation_scale: number
  /** A ~ N(0, (init_scale/√n_embd)²), B ~ N(0, (init_scale/√rank)²). */
  readonly init_scale: number
  /** Which blocks are converted. */
  readonly layers: 'all' | 'upper_half' | 'lower_half' | readonly number[]
  /**
   * False: attention acts through the modulation alone, as published. True: it is also added to the residual stream, so
   * that with ΔW = 0 the block is exactly the base model's.
   */
  readonly attention_residual: boolean
}

/** The numbers of the converted blocks, ascending. Throws where the model does not have one, or none is left. */
export function plasticLayers(config: ModelConfig, { layers }: NptConfig): number[] {
  const count = factsOf(config).layers
  const all = Array.from({ length: count }, (_, layer) => layer)
  const half = Math.floor(count / 2)
  const named = { all, upper_half: all.slice(half), lower_half: all.slice(0, half) }
  const chosen = typeof layers === 'string' ? named[layers] : [...new Set(layers)].sort((a, b) => a - b)
  if (chosen.length === 0 || !chosen.every((layer) => all.includes(layer))) {
    const given = typeof layers === 'string' ? layers : layers.join(', ') || '(none)'
    throw new Error(`NPT layers ${given}: the model has the layers 0 to ${count - 1}`)
  }
  return chosen
}

/** The plastic modules of a model's family. Throws where it has none. */
function modulesOf(config: ModelConfig): PlasticModules<ModelConfig> {
  const { plastic, noun } = familyOf(config)
  if (!plastic) throw new Error(`a ${noun} has no plastic blocks`)
  return plastic
}

/** `<module>.npt_A` [width, rank] and `<module>.npt_B` [rank, width of the MLP], block by block. */
export function nptShapes(config: ModelConfig, npt: NptConfig): ParameterShapes {
  const modules = modulesOf(config)
  return new Map(
    plasticLayers(config, npt).flatMap((layer) => [
      [`${modules.module(layer)}.npt_A`, [factsOf(config).width, npt.rank]],
      [`${modules.module(layer)}.npt_B`, [npt.rank, modules.inner(config)]],
    ]),
  )
}

/** Declares the tensors of the plastic blocks: as inputs, or as constants where `stored` has them. */
export function declareNpt(
  graph: Graph,
  config: ModelConfig,
  npt: NptConfig,
  stored: ReadonlyMap<string, ExternalData> | undefined,
  dtype: FloatType = 'float32',
): PlasticBlocks {
  const modules = modulesOf(config)
  const shapes = nptShapes(config, npt)
  const isStored = stored !== undefined && [...shapes.keys()].every((name) => stored.has(name))
  const tensor = isStored
    ? frozenParameters(graph, shapes, stored, dtype)
    : inputParameters(graph, shapes, dtype)
  const blocks = new Map(
    plasticLayers(config, npt).map((layer) => [
      layer,
      {
        A: tensor(`${modules.module(layer)}.npt_A`),
        B: tensor(`${modules.module(layer)}.npt_B`),
        scale: npt.modulation_scale,
        attentionResidual: npt.attention_residual,
      },
    ]),
  )
  return (layer) => blocks.get(layer)
}
