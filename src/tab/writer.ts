/**
 * A language model that writes with one adapter or another over weights that are loaded once: adapters are inputs of its graph.
 * @module
 */
import { decodingGraph } from '../../graphs/inference/generation.ts'
import { encoderShapes } from '../../graphs/models/encoder.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import { UserError } from '../errors.ts'
import type { PeftAdapter } from '../formats/peft_files.ts'
import { createDecoder } from '../generation/decoder.ts'
import type { Generator } from '../generation/text_generator.ts'
import { textGenerator } from '../generation/text_generator.ts'
import { createTokenGenerator } from '../generation/token_generator.ts'
import { adapterInputs } from '../models/adapter_inputs.ts'
import { adaptationOf } from '../runs/learning_config.ts'
import { loraScale } from '../runtime/feeds.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Feeds, HostTensor, Session } from '../runtime/session.ts'
import type { TabModel } from './model.ts'

export interface TabWriter {
  /**
   * Writes with an adapter from now on, or as the model itself: null.
   *
   * @throws UserError where the adapter does not fit the model
   */
  use(adapter: PeftAdapter | null): Promise<Generator>
  release(): Promise<void>
}

/** A session, and the adapters that it has inputs for: smaller ones are filled up with zeros, which add nothing. */
interface Opened {
  readonly lora: LoraConfig
  readonly session: Session
  readonly constants: Feeds
}

/** Opens nothing yet: the first use does. */
export function createTabWriter(model: TabModel, runtime: Runtime): TabWriter {
  const { config, tokenizer, generation } = model
  const shapesOf = (lora: LoraConfig) =>
    new Map([...encoderShapes({ config, lora })].filter(([name]) => /\.lora_[AB]\.weight$/.test(name)))
  let opened: Opened | undefined

  async function openFor(lora: LoraConfig): Promise<Opened> {
    if (opened && covers(opened.lora, lora)) return opened
    const wider: LoraConfig = {
      ...lora,
      r: Math.max(lora.r, opened?.lora.r ?? 0),
      target_modules: [...new Set([...lora.target_modules, ...(opened?.lora.target_modules ?? [])])],
    }
    await opened?.session.release()
    opened = undefined
    const { session, constants } = await model.openGraph(
      'the writer',
      (stored) => decodingGraph({ config, lora: wider, stored }),
      runtime,
    )
    return (opened = { lora: wider, session, constants })
  }
  const covers = (has: LoraConfig, wanted: LoraConfig): boolean => {
    const shapes = shapesOf(has)
    return has.r >= wanted.r && [...shapesOf(wanted).keys()].every((name) => shapes.has(name))
  }

  return {
    async use(adapter) {
      if (adapter?.head)
        throw new UserError('this adapter is of a classifier or a reward model and writes no text')
      const usual = adaptationOf({ lora: undefined }, config) as LoraConfig
      const { lora, feeds } = adapter
        ? adapterInputs(config, adapter, adapter.baseModel ?? 'the adapter')
        : { lora: usual, feeds: loraScale(0) }
      const { session, constants, lora: has } = await openFor(lora)
      const padded = Object.fromEntries(
        [...shapesOf(has)].map(([name, shape]) => [name, filledUp(feeds[name], shape)]),
      )
      const facts = factsOf(config)
      const decoder = createDecoder(session, facts, { ...constants, ...feeds, ...padded })
      return textGenerator(
        createTokenGenerator({
          ...{ decoder, tokenizer, context: facts.context, config: generation },
          release: async () => decoder.forget(),
        }),
      )
    },
    async release() {
      await opened?.session.release()
      opened = undefined
    },
  }
}

/** The tensor with zeros in the rows or columns that it lacks; it lies first. */
function filledUp(tensor: HostTensor | undefined, shape: readonly number[]): HostTensor {
  if (tensor && tensor.dims.join() === shape.join()) return tensor
  const data = new Float32Array(sizeOf(shape))
  if (tensor) {
    const [rows, columns] = tensor.dims as [number, number]
    for (let row = 0; row < rows; row++)
      data.set((tensor.data as Float32Array).subarray(row * columns, (row + 1) * columns), row * shape[1]!)
  }
  return { dtype: 'float32', dims: shape, data }
}
