/**
 * The one kind of error that is the user's to fix.
 * @module
 */

/**
 * A mistake in what the user gave: one sentence saying what is wrong, where, and what to do instead.
 * The command line prints the sentence alone and exits with code 2.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
}
