/** @module */
import { UserError } from '../errors.ts'
import { readText } from '../formats/read_file.ts'

/**
 * The prompts of a command line: those given, then those of a file, which has one per line, or in a `.jsonl` file one JSON
 * string per line, for prompts with line breaks. Empty lines are skipped.
 *
 * @throws UserError where there is no prompt, or a line is no JSON string
 */
export async function readPrompts(given: readonly string[], path: string | undefined): Promise<string[]> {
  const prompts = [...given, ...(path === undefined ? [] : await linesOf(path, jsonString))]
  if (prompts.length === 0)
    throw new UserError('there is no prompt to continue; give --prompt or --prompt-file')
  return prompts
}

/**
 * The same for texts to classify, where a line of a `.jsonl` file may hold a JSON object as well.
 *
 * @throws UserError where there is no text, or a line is neither
 */
export async function readTexts(given: readonly string[], path: string | undefined): Promise<string[]> {
  const texts = [...given, ...(path === undefined ? [] : await linesOf(path, jsonStringOrObject))]
  if (texts.length === 0) throw new UserError('there is no text to classify; give --text or --file')
  return texts
}

/** The lines of a file that are not empty, those of a `.jsonl` file parsed. */
async function linesOf(path: string, parse: (line: string, where: string) => string): Promise<string[]> {
  const lines = (await readText(path)).split(/\r?\n/)
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return []
    return [path.endsWith('.jsonl') ? parse(line, `${path}, line ${i + 1}`) : line]
  })
}

const jsonStringOrObject = (line: string, where: string): string =>
  line.trim().startsWith('{') ? line : jsonString(line, where)

function jsonString(line: string, where: string): string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    value = undefined
  }
  if (typeof value !== 'string')
    throw new UserError(`${where} is no JSON string; write the text in double quotes`)
  return value
}
