/** @module */

/** Declares a test that only some machines can run; on others its title is printed with the reason. */
export const itWhere =
  (possible: boolean, reason: string) =>
  (title: string, test: () => Promise<void> | void): void => {
    if (possible) it(title, test)
    else it.skip(`${title} (not here: ${reason})`, test)
  }
