/**
 * A list of cases for every operator. The record is total, like `operators` itself.
 * @module
 */
import type { OperatorName } from '../../../graphs/ops/operators.ts'
import type { OperatorCase } from './case.ts'
import { elementwiseCases } from './elementwise.ts'
import { logicCases } from './logic.ts'
import { productCases } from './products.ts'
import { reductionCases } from './reductions.ts'
import { shapingCases } from './shaping.ts'

export const operatorCases: Readonly<Record<OperatorName, readonly OperatorCase[]>> = {
  ...elementwiseCases,
  ...logicCases,
  ...productCases,
  ...reductionCases,
  ...shapingCases,
}
