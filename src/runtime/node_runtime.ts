/** @module */
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { HalfType } from '../../graphs/ir/dtype.ts'
import { add, cast, identity } from '../../graphs/ops/index.ts'
import { UserError } from '../errors.ts'
import type { Device, ProviderOption } from './device.ts'
import { createDeviceState } from './device_state.ts'
import { createHostState } from './host_state.ts'
import type { Provider } from './node.ts'
import { openNodeSession } from './node.ts'
import { kindOf, NotUsable } from './ort/providers.ts'
import type { HalfTypes, Runtime } from './runtime.ts'
import { hasHalf, lacksHalf } from './runtime.ts'
import { mostThreads } from './threads.ts'

/** The ONNX Runtime of onnxruntime-node on a device; trained tensors live in its memory. */
export function nodeRuntime({ provider = 'cpu', threads, half }: Device = {}): Runtime {
  const find = () => findProvider(provider, half)
  const open: Runtime['open'] = async (model, options) => {
    const found = await find()
    return openNodeSession(model, { provider: found.provider, ...(threads ? { threads } : {}), ...options })
  }
  return {
    async chosen() {
      if (provider !== 'auto') return undefined
      const found = await find()
      return [`provider auto is ${found.provider}`, ...found.passedOver].join('; ')
    },
    provider: async () => (await find()).provider,
    halfTypes: async () => halfTypesOf((await find()).provider),
    open,
    async state(shapes, options) {
      const found = (await find()).provider
      if (kindOf(found).memory === null) return createHostState(shapes, options)
      await tryProvider(found)
      return createDeviceState(open, shapes, options)
    },
  }
}

/** Asked once of each provider, as one has to be tried. */
const halfTypes = new Map<Provider, Promise<HalfTypes>>()

function halfTypesOf(provider: Provider): Promise<HalfTypes> {
  const known = halfTypes.get(provider) ?? kindOf(provider).halfTypes((dtype) => computesIn(provider, dtype))
  halfTypes.set(provider, known)
  return known
}

/** Whether a device computes in a type: y = x, by way of x + x in it. */
async function computesIn(provider: Provider, dtype: HalfType): Promise<boolean> {
  const graph = new Graph('half')
  const x = cast(graph.input('x', 'float32', ['n']), dtype)
  graph.output('y', cast(add(x, x), 'float32'))
  const session = await openNodeSession(serialize(graph), { provider, name: `a graph on ${provider}` })
  try {
    await session.run({ x: { dtype: 'float32', dims: [4], data: new Float32Array(4) } })
    return true
  } catch {
    return false
  } finally {
    await session.release()
  }
}

/** What `auto` tries, the fastest first. */
const IN_TURN = ['cuda', 'webgpu'] as const

/** A provider, and why it was taken: what each one before it lacks, in a sentence each. */
export interface FoundProvider {
  readonly provider: Provider
  readonly passedOver: readonly string[]
}

/**
 * Which provider an option means on this machine; `auto` is looked for once.
 *
 * @param half what is computed in, where it is of 16 bits
 */
export async function findProvider(option: ProviderOption, half?: HalfType): Promise<FoundProvider> {
  if (option !== 'auto') return { provider: option, passedOver: [] }
  const known = found.get(half) ?? firstThatWorks(half)
  found.set(half, known)
  return known
}
const found = new Map<HalfType | undefined, Promise<FoundProvider>>()

async function firstThatWorks(half: HalfType | undefined): Promise<FoundProvider> {
  const passedOver: string[] = []
  for (const provider of IN_TURN) {
    const lack = await lackOf(provider, half)
    if (lack === undefined) return { provider, passedOver }
    passedOver.push(lack)
  }
  return { provider: 'cpu', passedOver }
}

/** Why a provider does not do, in a sentence; undefined: it does. */
async function lackOf(provider: Provider, half: HalfType | undefined): Promise<string | undefined> {
  try {
    await tryProvider(provider)
    const types = half && (await halfTypesOf(provider))
    return types && !hasHalf(types, half) ? lacksHalf(provider, half) : undefined
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error instanceof NotUsable ? error.why : error.message
  }
}

/** Opens a graph of one operator. @throws UserError where it cannot be computed on */
async function tryProvider(provider: Provider): Promise<void> {
  const graph = new Graph('device')
  graph.output('y', identity(graph.input('x', 'float32', ['n'])))
  const session = await openNodeSession(serialize(graph), { provider, name: `a graph on ${provider}` })
  await session.release()
}

/**
 * Opens a graph of one operator on a device, where it is not the CPU, which is always there.
 *
 * @throws UserError where it cannot be computed on, or not with so many threads
 */
export async function checkDevice(device: Device): Promise<void> {
  const most = mostThreads()
  if ((device.threads ?? 0) > most)
    throw new UserError(
      `threads ${device.threads} are too many for this machine, which takes ${most}, two for each of its cores; leave threads out, for one per physical core`,
    )
  const { provider } = await findProvider(device.provider ?? 'cpu', device.half)
  if (provider !== 'cpu') await tryProvider(provider)
}
