/**
 * Waiting for a failure, in tests.
 * @module
 */

/** The error that `promise` is rejected with; throws where it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a rejection, but the promise was fulfilled')
}
