/**
 * Distillation of a teacher's next-token distribution. Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural
 * Network (2015), at temperature 1.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, log, mul, reduceMax, reduceSum, softmax, sub, unsqueeze, widened } from '../ops/index.ts'

/**
 * KL(P‖Q) = Σᵥ P·(z − y) + logsumexp(y) − logsumexp(z), with P = softmax(z) and Q = softmax(y); dy = dKL·(Q − P).
 *
 * @param ofTeacher z, [tokens, vocabulary]; taken as constant
 * @param ofStudent y, [tokens, vocabulary]
 * @returns [tokens], in nats
 */
export function klDivergence(ofTeacher: Value, ofStudent: Value): Value {
  const [teacher, student] = [widened(ofTeacher), widened(ofStudent)]
  const P = softmax(teacher)
  const Q = softmax(student)
  const normalisers = sub(logSumExp(student, Q), logSumExp(teacher, P))
  const kl = add(reduceSum(mul(P, sub(teacher, student)), [-1], false), normalisers)
  student.graph.composite({
    name: 'kl_divergence',
    inputs: [student],
    outputs: [kl],
    gradient: ([dkl]) => [() => mul(sub(Q, P), unsqueeze(dkl!, 1))],
  })
  return kl
}

/** max z − log(max P), which cannot underflow. */
const logSumExp = (logits: Value, probabilities: Value): Value =>
  sub(reduceMax(logits, [-1], false), log(reduceMax(probabilities, [-1], false)))
