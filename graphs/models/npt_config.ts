/**
 * Which blocks of a GPT-2 are plastic, and the tensors that makes.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { PlasticUpdate } from '../layers/npt.ts'
import type { Gpt2Config } from './gpt2_config.ts'
import { mlpWidth } from './gpt2_config.ts'
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
export function plasticLayers({ n_layer }: Pick<Gpt2Config, 'n_layer'>, { layers }: NptConfig): number[] {
  const all = Array.from({ length: n_layer }, (_, layer) => layer)
  const half = Math.floor(n_layer / 2)
  const named = { all, upper_half: all.slice(half), lower_half: all.slice(0, half) }
  const chosen = typeof layers === 'string' ? named[layers] : [...new Set(layers)].sort((a, b) => a - b)
  if (chosen.length === 0 || !chosen.every((layer) => all.includes(layer))) {
    const given = typeof layers === 'string' ? layers : layers.join(', ') || '(none)'
    throw new Error(`NPT layers ${given}: the model has the layers 0 to ${n_layer - 1}`)
  }
  return chosen
}

/** `transformer.h.N.mlp.c_fc.npt_A` [n_embd, rank] and `….npt_B` [rank, n_inner], block by block. */
export const nptShapes = (config: Gpt2Config, npt: NptConfig): ParameterShapes =>
  new Map(
    plasticLayers(config, npt).flatMap((layer) => [
      [nptName(layer, 'A'), [config.n_embd, npt.rank]],
      [nptName(layer, 'B'), [npt.rank, mlpWidth(config)]],
    ]),
  )

const nptName = (layer: number, part: 'A' | 'B'): string => `transformer.h.${layer}.mlp.c_fc.npt_${part}`

/** What a plastic block needs beside the base model's. */
export interface PlasticBlock extends PlasticUpdate {
  /** Modulations [tokens, rank] in place of those of the tokens' own attention: a ΔW that is given, as one that was folded. */
  readonly modulation?: Value
  readonly attentionResidual: boolean
}

/** The plastic part of a block, where it is converted. */
export type PlasticBlocks = (layer: number) => PlasticBlock | undefined

/** A model whose blocks are all as they were. */
export const noPlasticBlocks: PlasticBlocks = () => undefined

/** Declares the tensors of the plastic blocks: as inputs, or as constants where `stored` has them. */
export function declareNpt(
  graph: Graph,
  config: Gpt2Config,
  npt: NptConfig,
  stored: ReadonlyMap<string, ExternalData> | undefined,
  dtype: FloatType = 'float32',
): PlasticBlocks {
  const shapes = nptShapes(config, npt)
  const isStored = stored !== undefined && [...shapes.keys()].every((name) => stored.has(name))
  const tensor = isStored ? frozenParameters(graph, shapes, stored) : inputParameters(graph, shapes, dtype)
  const blocks = new Map(
    plasticLayers(config, npt).map((layer) => [
      layer,
      {
        A: tensor(nptName(layer, 'A')),
        B: tensor(nptName(layer, 'B')),
        scale: npt.modulation_scale,
        attentionResidual: npt.attention_residual,
      },
    ]),
  )
  return (layer) => blocks.get(layer)
}
