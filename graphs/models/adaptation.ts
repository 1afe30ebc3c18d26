/**
 * What of a model a task trains, and how the model's parameters then enter the graph.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { WeightLayout } from '../layers/linear.ts'
import type { BertConfig } from './bert_config.ts'
import { isBert } from './bert_config.ts'
import type { Gpt2Config } from './gpt2_config.ts'
import type { Adapters, LoraConfig } from './lora_config.ts'
import { inputAdapters, loraParameterShapes, noAdapters } from './lora_config.ts'
import type { NptConfig, PlasticBlocks } from './npt_config.ts'
import { declareNpt, noPlasticBlocks, nptShapes } from './npt_config.ts'
import type { Parameters, ParameterShapes } from './parameters.ts'
import { frozenParameters, inputParameters } from './parameters.ts'

/**
 * Adapters on a frozen model; every parameter (`full`); or nothing of it (`none`), where a head or plastic blocks learn
 * alone.
 */
export type Adaptation = LoraConfig | 'full' | 'none'

/** A model as a task uses it. */
export interface AdaptedModel {
  readonly config: Gpt2Config | BertConfig
  /** The model's own parameters. */
  readonly shapes: ParameterShapes
  readonly lora: Adaptation
  /** Plastic blocks, of GPT-2 only, whose tensors are trained. */
  readonly npt?: NptConfig | null
}

/** The tensors of a model that training changes, in the order of the graph's inputs. */
export function adaptedShapes({ config, shapes, lora, npt }: AdaptedModel): ParameterShapes {
  const plastic = npt ? nptShapes(withBlocks(config), npt) : new Map<string, readonly number[]>()
  if (lora === 'none') return plastic
  const adapted = lora === 'full' ? shapes : loraParameterShapes(shapes, lora, layoutOf(config))
  return new Map([...adapted, ...plastic])
}

const layoutOf = (config: Gpt2Config | BertConfig): WeightLayout => (isBert(config) ? 'out_in' : 'in_out')

function withBlocks(config: Gpt2Config | BertConfig): Gpt2Config {
  if (isBert(config)) throw new Error('plastic blocks are blocks of GPT-2; a BERT has none')
  return config
}

/** A model's tensors within a graph. */
export interface DeclaredModel {
  readonly parameters: Parameters
  readonly adapters: Adapters
  readonly plastic: PlasticBlocks
  /** The inputs that training changes. */
  readonly trainable: readonly Value[]
}

/**
 * Declares a model's parameters: what is trained as inputs, with `lora_scale` after adapters, the rest as constants.
 *
 * @param stored where each frozen tensor lies in the model's weight file; those that are not there are inputs, which without
 * `stored` are all
 */
export function declareModel(
  graph: Graph,
  { config, shapes, lora, npt }: AdaptedModel,
  stored: ReadonlyMap<string, ExternalData> | undefined,
  dtype: FloatType = 'float32',
): DeclaredModel {
  const trainable: Value[] = []
  const inputs = <T>(declare: () => T, except = 0): T => {
    const before = graph.inputs.length
    const declared = declare()
    trainable.push(...graph.inputs.slice(before, graph.inputs.length - except))
    return declared
  }
  const parameters =
    lora === 'full'
      ? inputs(() => inputParameters(graph, shapes, dtype))
      : stored
        ? frozenParameters(graph, shapes, stored)
        : inputParameters(graph, shapes, dtype)
  const adapters =
    typeof lora === 'string'
      ? noAdapters
      : inputs(() => inputAdapters(graph, loraParameterShapes(shapes, lora, layoutOf(config)), dtype), 1)
  const plastic = npt
    ? inputs(() => declareNpt(graph, withBlocks(config), npt, stored, dtype))
    : noPlasticBlocks
  return { parameters, adapters, plastic, trainable }
}
