/** @module */

/** What a model wrote about each word before and after training, one under the other, cut to a terminal's width. */
export function definitionTable(
  words: readonly { readonly word: string; readonly definition: string }[],
  before: readonly string[],
  after: readonly string[],
  width = 100,
): string {
  const line = (label: string, text: string) => {
    const flat = text.replaceAll(/\s+/g, ' ')
    const room = width - 12
    return `  ${label.padEnd(10)}${flat.length > room ? `${flat.slice(0, room - 1)}…` : flat}\n`
  }
  return words
    .map(
      ({ word, definition }, i) =>
        `${word}\n${line('before', before[i]!)}${line('after', after[i]!)}${line('WordNet', definition)}`,
    )
    .join('\n')
}
