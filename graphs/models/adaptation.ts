/**
 * What of a model a task trains, and how the model's parameters then enter the graph.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { PlasticBlocks } from '../layers/npt.ts'
import { noPlasticBlocks } from '../layers/npt.ts'
import type { ModelConfig, Tokens } from './family.ts'
import { familyOf } from './family.ts'
import type { Adapters, LoraConfig } from './lora_config.ts'
import { inputAdapters, loraParameterShapes, noAdapters } from './lora_config.ts'
import type { ModelNoise, NoiseOptions } from './model_noise.ts'
import { declareNoise, noNoise } from './model_noise.ts'
import { LM_HEAD, savedName, savedShapes } from './saved_modules.ts'
import type { NptConfig } from './npt_config.ts'
import { declareNpt, nptShapes } from './npt_config.ts'
import type { Parameters, ParameterShapes } from './parameters.ts'
import { frozenParameters, inputParameters } from './parameters.ts'

/**
 * Adapters on a frozen model; every parameter (`full`); or nothing of it (`none`), where a head or plastic blocks learn
 * alone.
 */
export type Adaptation = LoraConfig | 'full' | 'none'

/** A model as a task uses it. */
export interface AdaptedModel {
  readonly config: ModelConfig
  /** The model's own parameters. */
  readonly shapes: ParameterShapes
  readonly lora: Adaptation
  /** Plastic blocks, whose tensors are trained. */
  readonly npt?: NptConfig | null
  /** Where it learns: what disturbs it, beside the dropout of adapters. */
  readonly noise?: NoiseOptions | undefined
}

/** The tensors of a model that training changes, in the order of the graph's inputs. */
export function adaptedShapes(model: AdaptedModel): ParameterShapes {
  const { config, shapes, lora, npt } = model
  const plastic = npt ? nptShapes(config, npt) : new Map<string, readonly number[]>()
  if (lora === 'none') return plastic
  const adapted = lora === 'full' ? shapes : [...savedOf(model), ...adapterShapes(model, lora)]
  return new Map([...adapted, ...plastic])
}

function adapterShapes({ config, shapes }: AdaptedModel, lora: LoraConfig): ParameterShapes {
  const { layout, unadapted } = familyOf(config)
  const matrices = [...shapes].filter(([name]) => !unadapted.includes(name.replace(/\.weight$/, '')))
  return loraParameterShapes(new Map(matrices), lora, layout)
}

const savedOf = ({ config, shapes, lora }: AdaptedModel): ParameterShapes =>
  typeof lora === 'string' ? new Map() : savedShapes(config, shapes, lora.modules_to_save)

/** A model's tensors within a graph. */
export interface DeclaredModel {
  readonly parameters: Parameters
  /** The same for a language model's head, which a copy of a tied embedding is not. */
  readonly headParameters: Parameters
  readonly adapters: Adapters
  readonly plastic: PlasticBlocks
  readonly noise: ModelNoise
  /** The inputs that training changes. */
  readonly trainable: readonly Value[]
}

/**
 * Declares a model's parameters: what is trained as inputs, with `lora_scale` after adapters, the rest as constants.
 * Before them `noise_keys`, where something disturbs the model.
 *
 * @param tokens what noise goes by
 * @param stored where each frozen tensor lies in the model's weight file; those that are not there are inputs, which without
 * `stored` are all
 */
export function declareModel(
  graph: Graph,
  model: AdaptedModel,
  tokens: Tokens,
  stored: ReadonlyMap<string, ExternalData> | undefined,
  dtype: FloatType = 'float32',
): DeclaredModel {
  const { config, shapes, lora, npt } = model
  const noise = noiseOf(graph, model, tokens, dtype)
  const trainable: Value[] = []
  const inputs = <T>(declare: () => T, except = 0): T => {
    const before = graph.inputs.length
    const declared = declare()
    trainable.push(...graph.inputs.slice(before, graph.inputs.length - except))
    return declared
  }
  const own =
    lora === 'full'
      ? inputs(() => inputParameters(graph, shapes, dtype))
      : stored
        ? frozenParameters(graph, shapes, stored, dtype)
        : inputParameters(graph, shapes, dtype)
  const copies = savedOf(model)
  const saved = inputs(() => inputParameters(graph, copies, dtype))
  const orCopy = (module: string, name: string) =>
    copies.has(savedName(module)) ? saved(savedName(module)) : own(name)
  const parameters: Parameters = (name) => orCopy(name.replace(/\.weight$/, ''), name)
  const headParameters: Parameters = (name) => orCopy(LM_HEAD, name)
  const adapters =
    typeof lora === 'string'
      ? noAdapters
      : inputs(() => inputAdapters(graph, adapterShapes(model, lora), dtype, dropOf(lora, noise)), 1)
  const plastic = npt ? inputs(() => declareNpt(graph, config, npt, stored, dtype)) : noPlasticBlocks
  return { parameters, headParameters, adapters, plastic, noise, trainable }
}

const dropOf =
  ({ lora_dropout = 0 }: LoraConfig, { dropAdapted }: ModelNoise) =>
  (x: Value): Value =>
    dropAdapted(x, lora_dropout)

function noiseOf(graph: Graph, { lora, noise }: AdaptedModel, tokens: Tokens, dtype: FloatType): ModelNoise {
  const dropsAdapted = typeof lora !== 'string' && (lora.lora_dropout ?? 0) > 0
  const disturbs = dropsAdapted || noise?.dropout || (noise?.neftune_noise_alpha ?? 0) > 0
  return noise && disturbs ? declareNoise(graph, tokens, noise, dtype) : noNoise
}
