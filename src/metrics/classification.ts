/**
 * How well labels were predicted: accuracy, precision, recall and F1 (van Rijsbergen, 1979), and the confusion matrix.
 * Equal to scikit-learn's with `labels` = all classes and `zero_division=0`.
 * @module
 */
import { UserError } from '../errors.ts'

export interface PrecisionRecall {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

export interface ClassScore extends PrecisionRecall {
  readonly name: string
  /** Examples that really are of this class. */
  readonly support: number
}

/** All scores 0 … 1. */
export interface ClassificationReport {
  readonly accuracy: number
  /** The accuracy of always answering the most frequent actual class. */
  readonly majority: number
  /** The mean over all classes, also over those that do not occur: they count 0. */
  readonly macro: PrecisionRecall
  /** From the counts of all classes together; each equals the accuracy, as every example has one label. */
  readonly micro: PrecisionRecall
  /** The mean over the classes, weighted by support. */
  readonly weighted: PrecisionRecall
  readonly classes: readonly ClassScore[]
  /** `confusion[actual][predicted]`: examples. */
  readonly confusion: readonly (readonly number[])[]
}

/**
 * Compares class indices `predicted` with `actual`; `classes` are the names by index. A UserError without examples, a
 * RangeError for lists of different lengths and for an index that is no class.
 */
export function classificationReport(
  actual: readonly number[],
  predicted: readonly number[],
  classes: readonly string[],
): ClassificationReport {
  if (actual.length === 0)
    throw new UserError('classification report: there is no example; give at least one with its label')
  if (actual.length !== predicted.length)
    throw new RangeError(
      `classification report: ${actual.length} actual labels but ${predicted.length} predicted ones`,
    )
  const confusion = classes.map(() => classes.map(() => 0))
  for (const [i, label] of actual.entries()) {
    const answer = predicted[i]!
    const row = confusion[label]
    if (row?.[answer] === undefined)
      throw new RangeError(
        `classification report: example ${i} has label ${label} and answer ${answer}, but there are ${classes.length} classes`,
      )
    row[answer]++
  }

  const scores = classes.map((name, c) => {
    const support = sum(confusion[c]!)
    const answered = sum(confusion.map((row) => row[c]!))
    return { name, ...precisionRecall(confusion[c]![c]!, answered, support), support }
  })
  const count = actual.length
  const correct = sum(confusion.map((row, c) => row[c]!))
  return {
    accuracy: correct / count,
    majority: Math.max(...scores.map(({ support }) => support)) / count,
    macro: average(scores, () => 1 / classes.length),
    micro: precisionRecall(correct, count, count),
    weighted: average(scores, ({ support }) => support / count),
    classes: scores,
    confusion,
  }
}

/** P = hits/answered, R = hits/support, F1 = 2·hits/(answered + support), which is 2·P·R/(P + R); 0 for 0/0. */
function precisionRecall(hits: number, answered: number, support: number): PrecisionRecall {
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)
  return {
    precision: ratio(hits, answered),
    recall: ratio(hits, support),
    f1: ratio(2 * hits, answered + support),
  }
}

function average(scores: readonly ClassScore[], weight: (score: ClassScore) => number): PrecisionRecall {
  const mean = (name: keyof PrecisionRecall) => sum(scores.map((score) => weight(score) * score[name]))
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
