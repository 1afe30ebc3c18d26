/**
 * Smooth functions, element by element.
 * @module
 */
import type { Operator } from '../ir/operator.ts'
import { div, mul, neg, sub } from './arithmetic.ts'
import { sumToShape } from './broadcast.ts'
import { inFloat32 } from './cast.ts'
import { binary, inferBinary, inferUnary, unary } from './common.ts'

/** y = eˣ. */
export const Exp: Operator = {
  name: 'Exp',
  infer: inferUnary,
  // ∂y/∂x = y
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(dy!, y!)],
}

/** y = eˣ. */
export const exp = unary(Exp)

/** y = ln x; of 16 bits in float32. */
export const Log: Operator = {
  name: 'Log',
  infer: inferUnary,
  // ∂y/∂x = 1/x
  gradient: ({ inputs: [x] }, [dy]) => [() => div(dy!, x!)],
}

/** y = ln x; of 16 bits in float32. */
export const log = inFloat32(unary(Log))

/** z = xʸ. */
export const Pow: Operator = {
  name: 'Pow',
  infer: inferBinary(),
  // ∂z/∂x = y·xʸ⁻¹, ∂z/∂y = z·ln x, which only exists for x > 0
  gradient: ({ inputs: [x, y], outputs: [z] }, [dz]) => [
    () => sumToShape(mul(dz!, mul(y!, pow(x!, sub(y!, 1)))), x!),
    () => sumToShape(mul(dz!, mul(z!, log(x!))), y!),
  ],
}

/** z = xʸ. Shapes broadcast. */
export const pow = binary(Pow)

/** y = √x; of 16 bits in float32. */
export const Sqrt: Operator = {
  name: 'Sqrt',
  infer: inferUnary,
  // ∂y/∂x = 1/(2y)
  gradient: ({ outputs: [y] }, [dy]) => [() => div(mul(dy!, 0.5), y!)],
}

/** y = √x; of 16 bits in float32. */
export const sqrt = inFloat32(unary(Sqrt))

/** y = tanh x. */
export const Tanh: Operator = {
  name: 'Tanh',
  infer: inferUnary,
  // ∂y/∂x = 1 − y²
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(dy!, sub(1, mul(y!, y!)))],
}

/** y = tanh x. */
export const tanh = unary(Tanh)

/** y = σ(x) = 1 / (1 + e⁻ˣ). */
export const Sigmoid: Operator = {
  name: 'Sigmoid',
  infer: inferUnary,
  // ∂y/∂x = y·(1 − y)
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(dy!, mul(y!, sub(1, y!)))],
}

/** y = σ(x) = 1 / (1 + e⁻ˣ). */
export const sigmoid = unary(Sigmoid)

/** y = erf x. */
export const Erf: Operator = {
  name: 'Erf',
  infer: inferUnary,
  // ∂y/∂x = 2/√π·e^(−x²)
  gradient: ({ inputs: [x] }, [dy]) => [() => mul(dy!, mul(2 / Math.sqrt(Math.PI), exp(neg(mul(x!, x!)))))],
}

/** y = erf x. */
export const erf = unary(Erf)
