/** @module */
import { UserError } from '../errors.ts'

const NAME = /^[\p{L}\p{N}_-][\p{L}\p{N} ._-]{0,79}$/u

/**
 * Checks a name under which something is to be kept: it becomes that of a folder.
 *
 * @param what it is the name of, such as "a run"
 * @throws UserError where it can be none
 */
export function checkName(what: string, name: string): void {
  if (!NAME.test(name))
    throw new UserError(
      `${what} cannot be called "${name}"; use letters, digits, spaces, dots, hyphens and underscores, 80 at most, and begin with no space or dot`,
    )
}
