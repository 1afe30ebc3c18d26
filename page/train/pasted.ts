/** Texts without a format that is told; loaded when there is one. @module */
import type { Source } from '../worker/workshop.ts'
import { userError } from './settings.ts'

/** A first line that is the heading of the only column. */
const HEADING = /^"?(text|sentence|prompt|instruction|question|word)"?\s*$/i

/** A whole field of CSV in quotes. */
const QUOTED = /^"((?:[^"]|"")*)"$/

/**
 * Text under the name of its format; of what is no table each line is an example of its own.
 *
 * @param column what plain lines are to the task
 * @param stem the name without its ending
 */
export function pasted(text: string, column: 'text' | 'prompt', stem = 'pasted'): Source {
  const [first = ''] = text.trimStart().split('\n')
  const named = (ending: string, content = text): Source => ({
    name: `${stem}.${ending}`,
    blob: new Blob([content]),
  })
  if (first.startsWith('[')) return named('json')
  if (first.startsWith('{')) return named('jsonl')
  if (first.includes('\t')) return named('tsv')
  // The heading of a table: a few short names.
  if (/^\s*"?\w[\w ]{0,40}"?(\s*,\s*"?\w[\w ]{0,40}"?)+\s*$/.test(first) && text.trim().includes('\n'))
    return named('csv')
  const lines = text
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '')
  const [begin = '', ...others] = lines
  const heading = others.length > 0 ? HEADING.exec(begin)?.[1]?.toLowerCase() : undefined
  // "text" is what any lines are.
  const name = heading === undefined || heading === 'text' ? column : heading
  const texts = heading === undefined ? lines : others.map(unquoted)
  return named('jsonl', texts.map((line) => `${JSON.stringify({ [name]: line })}\n`).join(''))
}

/** A field of the only column, in which commas divide nothing. */
const unquoted = (line: string): string => QUOTED.exec(line)?.[1]?.replaceAll('""', '"') ?? line

/** A file of plain lines, as if they were pasted. */
export async function linesOf(file: File, column: 'text' | 'prompt'): Promise<Source> {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let text: string
  try {
    text = utf8.decode(await file.arrayBuffer())
  } catch {
    throw userError(`${file.name} is no text in UTF-8; save it again as UTF-8`)
  }
  if (text.trim() === '') throw userError(`${file.name} is empty; choose a file with some lines`)
  return pasted(text, column, file.name.replace(/\.txt$/i, ''))
}
