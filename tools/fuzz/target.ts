/**
 * What is fuzzed: a reader of files that nobody vouches for.
 * @module
 */

/** The JSON value within a file, where there is one: its parts can then be replaced by others, and not only bytes. */
export interface Structure {
  /** The value of a sound file. */
  open(file: Uint8Array): unknown
  /** The file again, with another value in place of its own; `print` writes any value as JSON. */
  close(value: unknown, print: (value: unknown) => string, file: Uint8Array): Uint8Array
}

export interface Target {
  /** The file that is damaged, relative to the folder. */
  readonly file: string
  /** Writes what lies beside that file into an empty folder, and gives sound files to begin with. */
  samples(folder: string): Promise<readonly Uint8Array[]>
  /** Reads the file that was damaged, as far as anything of it is believed. */
  read(folder: string): unknown
  /** Left out where there is no JSON in it. */
  readonly structure?: Structure
  /** Whether it is text. */
  readonly text?: boolean
}
