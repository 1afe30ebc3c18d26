/** @module */

/**
 * Maps items in batches of like length, which need little padding; the results keep the items' order.
 *
 * @param map gives one result per item
 */
export async function mapByLength<T extends { readonly length: number }, R>(
  items: readonly T[],
  batch: number,
  map: (some: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const results: R[] = []
  const order = [...items.keys()].sort((a, b) => items[a]!.length - items[b]!.length)
  for (let start = 0; start < order.length; start += batch) {
    const some = order.slice(start, start + batch)
    const mapped = await map(some.map((index) => items[index]!))
    for (const [i, index] of some.entries()) results[index] = mapped[i]!
  }
  return results
}
