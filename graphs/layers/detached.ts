/** @module */
import type { Value } from '../ir/graph.ts'
import { identity } from '../ops/index.ts'

/** y = x, through which no gradient passes. */
export function detached(x: Value): Value {
  const y = identity(x)
  x.graph.composite({ name: 'detached', inputs: [x], outputs: [y], gradient: () => [undefined] })
  return y
}
