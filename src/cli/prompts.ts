/** @module */
import { isRow, parseJson } from '../data/templates/given_texts.ts'
import type { Row } from '../data/row.ts'
import { UserError } from '../errors.ts'
import { readGivenText } from '../formats/read_file.ts'

/**
 * The prompts of a command line: those given, then those of a file, which has one per line, or in a `.jsonl` file one JSON
 * string per line, for prompts with line breaks, or a JSON object: a row of columns. Empty lines are skipped.
 *
 * @throws UserError where there is no prompt, or a line is neither
 */
export async function readPrompts(
  given: readonly (string | Row)[],
  path: string | undefined,
): Promise<(string | Row)[]> {
  const prompts = [...given, ...(path === undefined ? [] : await linesOf(path, jsonStringOrObject))]
  if (prompts.length === 0)
    throw new UserError('there is no prompt to continue; give --prompt, --column, --row or --prompt-file')
  return prompts
}

/**
 * The same for texts to classify.
 *
 * @throws UserError where there is no text, a line is neither, or the file is a table
 */
export async function readTexts(
  given: readonly string[],
  path: string | undefined,
): Promise<(string | Row)[]> {
  if (path !== undefined && /\.[ct]sv$/i.test(path)) {
    throw new UserError(
      `${path} is a table, whose lines are no texts; save its rows as JSON objects in a .jsonl file, or the texts one a line in a .txt file`,
    )
  }
  const texts = [...given, ...(path === undefined ? [] : await linesOf(path, jsonStringOrObject))]
  if (texts.length === 0) throw new UserError('there is no text to classify; give --text or --file')
  return texts
}

/** The lines of a file that are not empty, those of a `.jsonl` file parsed. */
async function linesOf<T>(path: string, parse: (line: string, where: string) => T): Promise<(string | T)[]> {
  const lines = (await readGivenText(path)).split(/\r?\n/)
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return []
    return [path.endsWith('.jsonl') ? parse(line, `${path}, line ${i + 1}`) : line]
  })
}

function jsonStringOrObject(line: string, where: string): string | Row {
  const value = parseJson(line)
  if (isRow(value)) return value
  if (!line.trim().startsWith('{')) return jsonString(line, where)
  throw new UserError(`${where} is no JSON object; check its quotes, commas and brackets`)
}

function jsonString(line: string, where: string): string {
  const value = parseJson(line)
  if (typeof value !== 'string')
    throw new UserError(`${where} is no JSON string; write the text in double quotes`)
  return value
}
