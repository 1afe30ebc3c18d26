/**
 * Every operator ortune can emit. The record is total: an operator named here without shape inference or a word
 * on its gradient does not compile.
 * @module
 */
import type { Operator } from '../ir/operator.ts'
import { Add } from './add.ts'
import { Sub } from './sub.ts'
import { Mul } from './mul.ts'
import { Div } from './div.ts'
import { Pow } from './pow.ts'
import { Max } from './max.ts'
import { Min } from './min.ts'
import { Neg } from './neg.ts'
import { Exp } from './exp.ts'
import { Log } from './log.ts'
import { Sqrt } from './sqrt.ts'
import { Tanh } from './tanh.ts'
import { Sigmoid } from './sigmoid.ts'
import { Erf } from './erf.ts'
import { Relu } from './relu.ts'
import { Abs } from './abs.ts'
import { Equal } from './equal.ts'
import { Greater } from './greater.ts'
import { GreaterOrEqual } from './greater_or_equal.ts'
import { Less } from './less.ts'
import { And } from './and.ts'
import { Where } from './where.ts'
import { Cast } from './cast.ts'
import { Identity } from './identity.ts'
import { Shape } from './shape.ts'
import { Reshape } from './reshape.ts'
import { Expand } from './expand.ts'
import { Transpose } from './transpose.ts'
import { Concat } from './concat.ts'
import { Split } from './split.ts'
import { Slice } from './slice.ts'
import { Unsqueeze } from './unsqueeze.ts'
import { Gather } from './gather.ts'
import { ScatterND } from './scatter_nd.ts'
import { ReduceSum } from './reduce_sum.ts'
import { ReduceMean } from './reduce_mean.ts'
import { ReduceMax } from './reduce_max.ts'
import { MatMul } from './matmul.ts'
import { Gemm } from './gemm.ts'
import { Softmax } from './softmax.ts'
import { LayerNormalization } from './layer_normalization.ts'
import { Range } from './range.ts'

export type OperatorName =
  | 'Add'
  | 'Sub'
  | 'Mul'
  | 'Div'
  | 'Pow'
  | 'Max'
  | 'Min'
  | 'Neg'
  | 'Exp'
  | 'Log'
  | 'Sqrt'
  | 'Tanh'
  | 'Sigmoid'
  | 'Erf'
  | 'Relu'
  | 'Abs'
  | 'Equal'
  | 'Greater'
  | 'GreaterOrEqual'
  | 'Less'
  | 'And'
  | 'Where'
  | 'Cast'
  | 'Identity'
  | 'Shape'
  | 'Reshape'
  | 'Expand'
  | 'Transpose'
  | 'Concat'
  | 'Split'
  | 'Slice'
  | 'Unsqueeze'
  | 'Gather'
  | 'ScatterND'
  | 'ReduceSum'
  | 'ReduceMean'
  | 'ReduceMax'
  | 'MatMul'
  | 'Gemm'
  | 'Softmax'
  | 'LayerNormalization'
  | 'Range'

export const operators: Readonly<Record<OperatorName, Operator>> = {
  Add,
  Sub,
  Mul,
  Div,
  Pow,
  Max,
  Min,
  Neg,
  Exp,
  Log,
  Sqrt,
  Tanh,
  Sigmoid,
  Erf,
  Relu,
  Abs,
  Equal,
  Greater,
  GreaterOrEqual,
  Less,
  And,
  Where,
  Cast,
  Identity,
  Shape,
  Reshape,
  Expand,
  Transpose,
  Concat,
  Split,
  Slice,
  Unsqueeze,
  Gather,
  ScatterND,
  ReduceSum,
  ReduceMean,
  ReduceMax,
  MatMul,
  Gemm,
  Softmax,
  LayerNormalization,
  Range,
}
