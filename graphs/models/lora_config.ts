/**
 * Which linear modules of a model carry LoRA adapters, under PEFT's option names.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph } from '../ir/graph.ts'
import type { WeightLayout } from '../layers/linear.ts'
import type { LoraAdapter } from '../layers/lora.ts'
import type { ParameterShapes } from './parameters.ts'
import { entering, inputParameters } from './parameters.ts'

export interface LoraConfig {
  /** Rank of the adapters. */
  readonly r: number
  /** The adapters' output is scaled by lora_alpha / r, or rank-stabilised. */
  readonly lora_alpha: number
  /** Whether the scale is lora_alpha / √r. */
  readonly use_rslora?: boolean | undefined
  /** Probability of dropping a feature of what goes into an adapter while it is trained; absent: 0. */
  readonly lora_dropout?: number | undefined
  /** Embeddings and a head that are trained whole beside the adapters, by name or ending; see `saved_modules.ts`. */
  readonly modules_to_save?: readonly string[] | undefined
  /** Module names, or their endings: `c_attn`, `attn.c_proj`, `transformer.h.0.mlp.c_fc`. */
  readonly target_modules: readonly string[]
}

/** lora_alpha / r; rank-stabilised it is lora_alpha / √r (Kalajdzievski: A Rank Stabilization Scaling Factor, 2023). */
export const adapterScale = ({
  r,
  lora_alpha,
  use_rslora = false,
}: Pick<LoraConfig, 'r' | 'lora_alpha' | 'use_rslora'>): number =>
  lora_alpha / (use_rslora ? Math.sqrt(r) : r)

/** The adapter of a linear module such as `transformer.h.0.attn.c_attn`, where it has one. */
export type Adapters = (module: string) => LoraAdapter | undefined

/** The modules of matrices, as module name → shape of the weight. */
export const linearModules = (shapes: ParameterShapes): Map<string, readonly number[]> =>
  new Map(
    [...shapes].flatMap(([name, shape]) =>
      shape.length === 2 && name.endsWith('.weight') ? [[name.replace(/\.weight$/, ''), shape]] : [],
    ),
  )

/** A target matches the module of that name and every module whose name ends in `.target`. */
export const targetMatches = (target: string, module: string): boolean =>
  module === target || module.endsWith(`.${target}`)

/**
 * The adapters' tensors in PEFT's layout, `<module>.lora_A.weight` [r, in] and `<module>.lora_B.weight` [out, r].
 *
 * @param shapes the parameters that adapters can go on, of which the matrices count
 * @param layout of the model's own weights
 * @throws where a target matches no module; the message lists the endings that would match
 */
export function loraParameterShapes(
  shapes: ParameterShapes,
  config: LoraConfig,
  layout: WeightLayout = 'in_out',
): Map<string, readonly number[]> {
  const modules = linearModules(shapes)
  for (const target of config.target_modules) {
    if (![...modules.keys()].some((module) => targetMatches(target, module))) {
      const endings = new Set([...modules.keys()].map((module) => module.split('.').slice(-2).join('.')))
      throw new Error(`LoRA target "${target}" matches no module; there are ${[...endings].join(', ')}`)
    }
  }
  return new Map(
    [...modules]
      .filter(([module]) => config.target_modules.some((target) => targetMatches(target, module)))
      .flatMap(([module, shape]) => {
        const [inSize, outSize] = layout === 'in_out' ? shape : shape.toReversed()
        return [
          [`${module}.lora_A.weight`, [config.r, inSize!]],
          [`${module}.lora_B.weight`, [outSize!, config.r]],
        ]
      }),
  )
}

/**
 * Declares the adapters' tensors and the scalar `lora_scale` as inputs.
 *
 * @param drop drops features of what goes into each
 */
export function inputAdapters(
  graph: Graph,
  loraShapes: ParameterShapes,
  dtype: FloatType = 'float32',
  drop?: LoraAdapter['drop'],
): Adapters {
  const tensor = inputParameters(graph, loraShapes, dtype)
  const scale = entering(
    graph.input(
      'lora_scale',
      wideType(dtype),
      [],
      'lora_alpha / r, or lora_alpha / √r; the same at every step, and 0 switches the adapters off',
    ),
    dtype,
  )
  return (module) => {
    const [a, b] = [`${module}.lora_A.weight`, `${module}.lora_B.weight`]
    return loraShapes.has(a) ? { A: tensor(a), B: tensor(b), scale, drop } : undefined
  }
}

/** A model without adapters. */
export const noAdapters: Adapters = () => undefined
