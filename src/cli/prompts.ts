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
  const prompts = [...given, ...(path === undefined ? [] : await promptsOf(path))]
  if (prompts.length === 0)
    throw new UserError('there is no prompt to continue; give --prompt or --prompt-file')
  return prompts
}

async function promptsOf(path: string): Promise<string[]> {
  const lines = (await readText(path)).split(/\r?\n/)
  const parse = path.endsWith('.jsonl')
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return []
    return [parse ? jsonString(line, `${path}, line ${i + 1}`) : line]
  })
}

function jsonString(line: string, where: string): string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    value = undefined
  }
  if (typeof value !== 'string')
    throw new UserError(`${where} is no JSON string; write the prompt in double quotes`)
  return value
}
