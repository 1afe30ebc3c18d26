/**
 * Rows that cannot become what their template says: a conversation of other turns or roles, a value that is missing, a label
 * that is none.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { Row } from '../row.ts'

/** What to do with one: stop, or leave it out and count it. */
export type OddRows = 'error' | 'skip'

/** A prompt that leaves no room for a completion, for which there is a choice of its own. */
export class NoRoom extends UserError {}

/** What is wrong with the template and not with the row that it came out at. */
export class TemplateFault extends UserError {}

/**
 * Reads rows as `read` does; what `leave` makes of the error of one that is odd, where such rows are left out. Where they are
 * not, the error of one after others that fit says that they could be.
 */
export function readTolerantly<T>(
  read: (row: Row, where: string) => T,
  oddRows: OddRows,
  leave: (error: UserError) => T,
): (row: Row, where: string) => T {
  let fitted = false
  return (row, where) => {
    try {
      const result = read(row, where)
      fitted = true
      return result
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof NoRoom || error instanceof TemplateFault)
        throw error
      if (oddRows === 'skip') return leave(error)
      throw fitted ? new UserError(`${error.message}, or leave such rows out by odd_rows=skip`) : error
    }
  }
}
