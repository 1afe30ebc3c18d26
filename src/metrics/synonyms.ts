/** @module */

export interface Synonyms {
  /**
   * The single words that share a meaning with `word` or with a base form of it, in any part of speech; with `word`
   * itself if it is in WordNet. Proper names keep their capitals. Empty for an unknown word.
   */
  of(word: string): ReadonlySet<string>
}
