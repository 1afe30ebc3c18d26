/// <reference types="vite/client" />
/**
 * What a test asks of a tab: a function of a file of `inside`, by name, with what it is given; all of it JSON.
 * @module
 */
export interface Question {
  readonly file: string
  readonly name: string
  readonly given: unknown
}

type Inside = Readonly<Record<string, (given: unknown) => unknown>>

const files = import.meta.glob<Inside>('../inside/*.ts')

/** Loads the file, and calls the function. */
export async function answer({ file, name, given }: Question): Promise<unknown> {
  const inside = await files[`../inside/${file}.ts`]!()
  return inside[name]!(given)
}
