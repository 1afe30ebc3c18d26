/**
 * The four operations and the change of sign, element by element.
 * @module
 */
import type { Operator } from '../ir/operator.ts'
import { sumToShape } from './broadcast.ts'
import { binary, inferBinary, inferUnary, unary } from './common.ts'

/** z = x + y. */
export const Add: Operator = {
  name: 'Add',
  infer: inferBinary(),
  // ∂z/∂x = 1, ∂z/∂y = 1
  gradient: ({ inputs: [x, y] }, [dz]) => [() => sumToShape(dz!, x!), () => sumToShape(dz!, y!)],
}

/** z = x + y. Shapes broadcast. */
export const add = binary(Add)

/** z = x − y. */
export const Sub: Operator = {
  name: 'Sub',
  infer: inferBinary(),
  // ∂z/∂x = 1, ∂z/∂y = −1
  gradient: ({ inputs: [x, y] }, [dz]) => [() => sumToShape(dz!, x!), () => sumToShape(neg(dz!), y!)],
}

/** z = x − y. Shapes broadcast. */
export const sub = binary(Sub)

/** z = x·y, elementwise. */
export const Mul: Operator = {
  name: 'Mul',
  infer: inferBinary(),
  // ∂z/∂x = y, ∂z/∂y = x
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(mul(dz!, y!), x!),
    () => sumToShape(mul(dz!, x!), y!),
  ],
}

/** z = x·y, elementwise. Shapes broadcast. */
export const mul = binary(Mul)

/** z = x / y, elementwise. */
export const Div: Operator = {
  name: 'Div',
  infer: inferBinary(),
  // ∂z/∂x = 1/y, ∂z/∂y = −x/y² = −z/y
  gradient: ({ inputs: [x, y], outputs: [z] }, [dz]) => [
    () => sumToShape(div(dz!, y!), x!),
    () => sumToShape(neg(div(mul(dz!, z!), y!)), y!),
  ],
}

/** z = x / y, elementwise. Shapes broadcast. */
export const div = binary(Div)

/** y = −x. */
export const Neg: Operator = {
  name: 'Neg',
  infer: inferUnary,
  // ∂y/∂x = −1
  gradient: (_node, [dy]) => [() => neg(dy!)],
}

/** y = −x. */
export const neg = unary(Neg)
