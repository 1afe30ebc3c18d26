/**
 * Lines and records of a source that are no row: JSON that is cut off, fields that are too many.
 * @module
 */
import { UserError } from '../../errors.ts'

/** What is wrong with one, when those around it can be read. */
export class DamagedRow extends UserError {}

/** Takes what is wrong with a row that is left out; without one, the first is an error. */
export type Leave = (damage: DamagedRow) => void

/** Stops at a damaged row. */
export const stop: Leave = (damage) => {
  throw damage
}
