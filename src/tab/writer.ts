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
import type { Decoder } from '../generation/decoder.ts'
import { createDecoder } from '../generation/decoder.ts'
import type { Generator } from '../generation/text_generator.ts'
import { textGenerator } from '../generation/text_generator.ts'
import { createTokenGenerator } from '../generation/token_generator.ts'
import { adapterInputs } from '../models/adapter_inputs.ts'
import { adaptationOf } from '../runs/learning_config.ts'
import { loraScale } from '../runtime/feeds.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Feeds, HostTensor, Session } from '../runtime/session.ts'
import { createQueue } from '../runtime/web/queue.ts'
import type { TabModel } from './model.ts'

export interface TabWriter {
  /** Opens what has room for an adapter, if nothing does: to use it is then to swap it in. */
  open(adapter: PeftAdapter | null): Promise<void>
  /**
   * What writes with an adapter, or as the model itself: null. Several may write at once, a token each in turn; one whose adapter is larger
   * than those before it begins when the texts under way have ended.
   *
   * @throws UserError where the adapter does not fit the model
   */
  use(adapter: PeftAdapter | null): Promise<Generator>
  /** Waits for the texts under way. */
  release(): Promise<void>
}

/** A session, and the adapters that it has inputs for: smaller ones are filled up with zeros, which add nothing. */
interface Opened {
  readonly lora: LoraConfig
  readonly session: Session
  readonly constants: Feeds
  /** Each ends with a text under way. */
  readonly users: Set<Promise<void>>
}

/** Opens nothing yet: the first use does. */
export function createTabWriter(model: TabModel, runtime: Runtime): TabWriter {
  const { config, tokenizer, generation } = model
  const facts = factsOf(config)
  const shapesOf = (lora: LoraConfig) =>
    new Map([...encoderShapes({ config, lora })].filter(([name]) => /\.lora_[AB]\.weight$/.test(name)))
  const usual = adaptationOf({ lora: undefined }, config) as LoraConfig
  const queue = createQueue()
  let opened: Opened | undefined

  async function openFor(lora: LoraConfig): Promise<Opened> {
    if (opened && covers(opened.lora, lora)) return opened
    const wider: LoraConfig = {
      ...lora,
      r: Math.max(lora.r, opened?.lora.r ?? 0),
      target_modules: [...new Set([...lora.target_modules, ...(opened?.lora.target_modules ?? [])])],
    }
    await close()
    const { session, constants } = await model.openGraph(
      'the writer',
      (stored) => decodingGraph({ config, lora: wider, stored }),
      runtime,
    )
    return (opened = { lora: wider, session, constants, users: new Set() })
  }
  const covers = (has: LoraConfig, wanted: LoraConfig): boolean => {
    const shapes = shapesOf(has)
    return has.r >= wanted.r && [...shapesOf(wanted).keys()].every((name) => shapes.has(name))
  }
  async function close(): Promise<void> {
    const old = opened
    opened = undefined
    if (!old) return
    await Promise.all(old.users)
    await old.session.release()
  }

  /** Works with a session that has room for the adapter, and that stays open meanwhile. */
  async function borrow<T>(lora: LoraConfig | null, work: (from: Opened) => Promise<T>): Promise<T> {
    let end = (): void => undefined
    const user = new Promise<void>((resolve) => (end = resolve))
    const from = await queue(async () => {
      const place = await openFor(lora ?? opened?.lora ?? usual)
      place.users.add(user)
      return place
    })
    try {
      return await work(from)
    } finally {
      from.users.delete(user)
      end()
    }
  }

  function inputsOf(adapter: PeftAdapter | null): {
    readonly lora: LoraConfig | null
    readonly feeds: Feeds
  } {
    if (!adapter) return { lora: null, feeds: loraScale(0) }
    if (adapter.head)
      throw new UserError('this adapter is of a classifier or a reward model and writes no text')
    return adapterInputs(config, adapter, adapter.baseModel ?? 'the adapter')
  }

  return {
    open: async (adapter) => borrow(inputsOf(adapter).lora, async () => undefined),
    async use(adapter) {
      const { lora, feeds } = inputsOf(adapter)
      const decoderOf = ({ session, constants, lora: has }: Opened): Decoder => {
        const padded = Object.fromEntries(
          [...shapesOf(has)].map(([name, shape]) => [name, filledUp(feeds[name], shape)]),
        )
        return createDecoder(session, facts, { ...constants, ...feeds, ...padded })
      }
      let latest: { readonly from: Opened; readonly decoder: Decoder } | undefined
      const decoder = (from: Opened): Decoder => {
        if (latest?.from !== from) latest = { from, decoder: decoderOf(from) }
        return latest.decoder
      }
      await borrow(lora, async (from) => decoder(from))
      const parts = { tokenizer, context: facts.context, config: generation }
      const release = async (): Promise<void> => latest?.decoder.forget()
      return textGenerator({
        ...{ ...parts, release },
        generate: (prompts, options) =>
          borrow(lora, (from) =>
            createTokenGenerator({ ...parts, decoder: decoder(from), release }).generate(prompts, options),
          ),
      })
    },
    release: () => queue(close),
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
