/**
 * Model cards as Hugging Face has them: `README.md`, YAML between two lines of dashes, then Markdown.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { stringify } from 'yaml'

import { exists, readText } from './read_file.ts'
import { parseYaml } from './yaml.ts'

export const CARD_FILE = 'README.md'

export interface ModelCard {
  /** What tools read. Keys without a value are left out. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** What people read: Markdown. */
  readonly text: string
}

/** The card of a folder; undefined where it has none, or one without metadata that can be read. */
export async function readCard(folder: string): Promise<ModelCard | undefined> {
  const path = join(folder, CARD_FILE)
  if (!(await exists(path))) return undefined
  const [, yaml, text] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n([\s\S]*)$/.exec(await readText(path)) ?? []
  if (yaml === undefined || text === undefined) return undefined
  try {
    const metadata = parseYaml(yaml, path)
    return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
      ? { metadata: metadata as Record<string, unknown>, text: text.trimStart() }
      : undefined
  } catch {
    // Somebody else's card is no reason to stop.
    return undefined
  }
}

export const writeCard = (folder: string, { metadata, text }: ModelCard): Promise<void> =>
  writeFile(join(folder, CARD_FILE), `---\n${stringify(metadata)}---\n\n${text}`)

const LICENCE_KEYS = ['license', 'license_name', 'license_link'] as const

export type Licence = Readonly<Partial<Record<(typeof LICENCE_KEYS)[number], string>>>

/** Which licence a card states; empty where none. */
export const licenceOf = (card: ModelCard | undefined): Licence =>
  Object.fromEntries(
    LICENCE_KEYS.flatMap((key) => {
      const value = card?.metadata[key]
      return typeof value === 'string' ? [[key, value]] : []
    }),
  )

/** A table, the first row its heading. */
export const markdownTable = ([heading, ...rows]: readonly (readonly string[])[]): string =>
  [heading!, heading!.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`)
    .join('\n')
