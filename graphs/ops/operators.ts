/**
 * Every operator ortune can emit. An operator without shape inference or a word on its gradient does not compile.
 * @module
 */
import type { Operator } from '../ir/operator.ts'
import * as ops from './index.ts'

export const operators = {
  Add: ops.Add,
  Sub: ops.Sub,
  Mul: ops.Mul,
  Div: ops.Div,
  Pow: ops.Pow,
  Max: ops.Max,
  Min: ops.Min,
  Neg: ops.Neg,
  Exp: ops.Exp,
  Log: ops.Log,
  Sqrt: ops.Sqrt,
  Tanh: ops.Tanh,
  Sigmoid: ops.Sigmoid,
  Erf: ops.Erf,
  Relu: ops.Relu,
  Abs: ops.Abs,
  Equal: ops.Equal,
  Greater: ops.Greater,
  GreaterOrEqual: ops.GreaterOrEqual,
  Less: ops.Less,
  And: ops.And,
  Where: ops.Where,
  Cast: ops.Cast,
  DequantizeLinear: ops.DequantizeLinear,
  Identity: ops.Identity,
  Shape: ops.Shape,
  Reshape: ops.Reshape,
  Expand: ops.Expand,
  Transpose: ops.Transpose,
  Concat: ops.Concat,
  Split: ops.Split,
  Slice: ops.Slice,
  Unsqueeze: ops.Unsqueeze,
  Gather: ops.Gather,
  ScatterElements: ops.ScatterElements,
  ReduceSum: ops.ReduceSum,
  ReduceMean: ops.ReduceMean,
  ReduceMax: ops.ReduceMax,
  CumSum: ops.CumSum,
  MatMul: ops.MatMul,
  Gemm: ops.Gemm,
  Softmax: ops.Softmax,
  LayerNormalization: ops.LayerNormalization,
} as const satisfies Readonly<Record<string, Operator>>

export type OperatorName = keyof typeof operators
