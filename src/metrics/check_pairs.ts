/**
 * What every comparison of texts with references demands.
 * @module
 */
import { UserError } from '../errors.ts'

/** Throws a UserError unless there is a hypothesis, and each has at least one reference. */
export function checkPairs(
  metric: string,
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
): void {
  if (hypotheses.length === 0)
    throw new UserError(`${metric}: there is no hypothesis; give at least one text to judge`)
  if (hypotheses.length !== references.length)
    throw new UserError(
      `${metric}: ${hypotheses.length} hypotheses but references for ${references.length}; give one list of references for each hypothesis`,
    )
  const lonely = references.findIndex((texts) => texts.length === 0)
  if (lonely >= 0)
    throw new UserError(`${metric}: hypothesis ${lonely + 1} has no reference; give each at least one`)
}
