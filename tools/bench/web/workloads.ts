/**
 * What `npm run bench` times in a browser.
 * @module
 */
import type { WebProvider } from '../../../src/runtime/web.ts'
import type { StepShape } from './shape.ts'

export interface WebWorkload {
  readonly name: string
  readonly provider: WebProvider
  readonly shape: StepShape
}

type Shape = Omit<StepShape, 'lora'>

/** The pocket model's shape. */
const pocket: Shape = { layers: 6, heads: 6, width: 192, vocabulary: 4096, batch: 8, length: 64 }
const wider: Shape = { layers: 4, heads: 4, width: 256, vocabulary: 4096, batch: 4, length: 128 }
/** A GPU in software takes as long for it as WebAssembly for the others. */
const narrow: Shape = { layers: 2, heads: 4, width: 128, vocabulary: 1024, batch: 2, length: 64 }

/** On all matrices of the blocks, as Dettmers et al. (QLoRA, 2023) advise. */
const LORA = { r: 8, lora_alpha: 16, target_modules: ['c_attn', 'c_fc', 'c_proj'] }

const on = (provider: WebProvider, shape: Shape): WebWorkload[] =>
  (['full', LORA] as const).map((lora) => ({
    name: `web-${provider}-${lora === 'full' ? 'full' : 'lora'}-${shape.layers}x${shape.width}`,
    provider,
    shape: { ...shape, lora },
  }))

export const webWorkloads: readonly WebWorkload[] = [
  ...on('wasm', pocket),
  ...on('wasm', wider),
  ...on('webgpu', narrow),
]
