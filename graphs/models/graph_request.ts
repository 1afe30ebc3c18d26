/** @module */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData } from '../ir/graph.ts'
import type { Adaptation } from './adaptation.ts'
import type { ModelConfig } from './family.ts'
import type { NoiseOptions } from './model_noise.ts'
import type { NptConfig } from './npt_config.ts'

/** A model that graphs are wanted for. */
export interface GraphRequest {
  readonly config: ModelConfig
  readonly lora: Adaptation
  /** Plastic blocks, where it has some. */
  readonly npt: NptConfig | null
  /** Where the frozen parameters lie in the model's weight file; undefined: all of them are inputs. */
  readonly stored: ReadonlyMap<string, ExternalData> | undefined
  /** What they compute in; absent: float32. */
  readonly dtype?: FloatType
  /** Of a graph that learns: what disturbs the model, beside the dropout of adapters. */
  readonly noise?: NoiseOptions | undefined
}
