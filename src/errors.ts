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

/** A number that is infinite or none, where it would have been saved or used. */
export class NotFinite extends UserError {
  /** @param what has it, and which; the beginning of the sentence */
  constructor(what: string) {
    super(
      `${what}: the weights are damaged or grew without bound; use another checkpoint, or train with a lower learning rate`,
    )
  }
}
