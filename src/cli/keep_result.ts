/** @module */

/**
 * Writes what goes along with a result and prints the result, also where the writing fails: what was computed is not lost for a
 * full disk. The fault is thrown after it.
 *
 * @param print is given what was written, undefined where that failed
 */
export async function keepResult<T>(
  write: () => Promise<T>,
  print: (written: T | undefined) => void,
): Promise<void> {
  const result = await write().then(
    (written) => ({ written }),
    (fault: unknown) => ({ fault }),
  )
  print('written' in result ? result.written : undefined)
  if ('fault' in result) throw result.fault
}
