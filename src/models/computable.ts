/**
 * What a runtime does with numbers of 16 bits.
 * @module
 */
import type { HalfType } from '../../graphs/ir/dtype.ts'
import { isHalf } from '../../graphs/ir/dtype.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { halfTypeOf } from '../../graphs/half_type.ts'
import { UserError } from '../errors.ts'
import type { HalfTypes, Runtime } from '../runtime/runtime.ts'
import { hasHalf, lacksHalf, STORED_ALONE } from '../runtime/runtime.ts'

/** How a runtime deals with a graph that has numbers of 16 bits; undefined: as it is, or as there are none. */
export type Widening = 'arithmetic' | 'weights'

/**
 * A graph as a runtime computes it: arithmetic of 16 bits that it does not have in float32, and weights that it cannot keep in 16 bits
 * widened once, when the session is opened.
 *
 * @throws UserError where it has neither arithmetic nor storage of the graph's type
 */
export async function computable(
  graph: Graph,
  runtime: Runtime,
): Promise<{ readonly graph: Graph; readonly widened?: Widening }> {
  const dtype = halfTypeOf(graph)
  const { arithmetic, storage } = await halfTypesFor(dtype, runtime)
  if (dtype && !arithmetic.includes(dtype)) {
    const { withFloat32Arithmetic } = await import('../../graphs/lowering.ts')
    return { graph: withFloat32Arithmetic(graph), widened: 'arithmetic' }
  }
  if (keptHalves(graph).every((kept) => storage.includes(kept))) return { graph }
  const { withWideWeights } = await import('../../graphs/wide_weights.ts')
  return { graph: withWideWeights(graph), widened: 'weights' }
}

/**
 * What a runtime does with numbers of 16 bits.
 *
 * @throws UserError where it has neither arithmetic nor storage of the type that is wanted
 */
export async function halfTypesFor(wanted: HalfType | undefined, runtime: Runtime): Promise<HalfTypes> {
  const types = (await runtime.halfTypes?.()) ?? STORED_ALONE
  if (!wanted || hasHalf(types, wanted)) return types
  const provider = await runtime.provider?.()
  const precision = types.arithmetic.length > 0 ? 'fp16 or fp32' : 'fp32'
  throw new UserError(
    `${lacksHalf(provider ?? 'the provider', wanted)}; use ${provider === undefined ? 'another provider' : "the provider 'auto' or 'cpu'"}, or make the run with precision ${precision}`,
  )
}

/** The types of 16 bits that a graph's weights are kept in. */
const keptHalves = ({ initializers }: Graph): HalfType[] =>
  initializers.flatMap(({ value: { dtype }, overridable }) => (overridable && isHalf(dtype) ? [dtype] : []))
