/** @module */
import type { Source } from '../worker/workshop.ts'

/** Pasted text under the name of its format; of what is no table each line is a text of its own. */
export function pasted(text: string): Source {
  const [first = ''] = text.trimStart().split('\n')
  const named = (name: string, content = text): Source => ({ name, blob: new Blob([content]) })
  if (first.startsWith('[')) return named('pasted.json')
  if (first.startsWith('{')) return named('pasted.jsonl')
  if (first.includes('\t')) return named('pasted.tsv')
  // The heading of a table: a few short names.
  if (/^\s*"?\w[\w ]{0,40}"?(\s*,\s*"?\w[\w ]{0,40}"?)+\s*$/.test(first) && text.trim().includes('\n'))
    return named('pasted.csv')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return named('pasted.jsonl', lines.map((text) => `${JSON.stringify({ text })}\n`).join(''))
}
