/** @module */
import type { Row } from '../data/row.ts'
import { isRow, parseJson } from '../data/templates/given_texts.ts'
import { UserError } from '../errors.ts'
import type { GivenPrompt } from '../generation/written_prompt.ts'
import { promptText, promptWriter } from '../generation/written_prompt.ts'
import type { ControlTokens } from '../data/templates/jinja.ts'
import { withVariables } from '../data/templates/own_template.ts'
import type { WritingTemplate } from '../data/templates/template_source.ts'
import { writingTemplates } from '../runs/templates.ts'
import { readPrompts } from './prompts.ts'
import type { TemplateVariables } from './template_variable.ts'

/** What the command line gives to be answered. */
export interface PromptFlags {
  prompt?: string[]
  promptFile?: string
  column?: string[]
  row?: string[]
  raw?: boolean
  template: number
  templateVariable?: TemplateVariables['templateVariable']
}

export interface WrittenPrompts {
  readonly prompts: readonly GivenPrompt[]
  /** What has written them; null where they are taken as they are. */
  readonly template: WritingTemplate | null
  /** The same in a sentence; undefined where there is no template, or nobody need be told. */
  readonly note: string | undefined
}

/**
 * The prompts of a command line, as the template of a run writes them.
 *
 * @throws UserError where there is none, or one does not fit the template
 */
export async function writePrompts(
  folder: string,
  flags: PromptFlags,
  tokens: ControlTokens,
): Promise<WrittenPrompts> {
  const { prompt = [], promptFile, column = [], row = [], raw = false, template: number } = flags
  const { templateVariable: variables = {} } = flags
  const templates = raw ? [] : await writingTemplates(folder)
  if (number > Math.max(1, templates.length))
    throw new UserError(
      `${folder} has no template ${number}, as there are ${templates.length}; lower --template`,
    )
  const template = withVariables(templates[number - 1], variables)
  const rows: Row[] = [
    ...row.map(rowOf),
    ...(column.length > 0 ? [Object.fromEntries(column.map(columnOf))] : []),
  ]
  const given = await readPrompts([...rows, ...prompt], promptFile)
  const write = promptWriter(template, tokens)
  const prompts = given.map((one, i) => write(one, `prompt ${i + 1}`))
  const by = prompts.filter((one) => typeof one !== 'string')
  if (!template || 'text' in template) return { prompts, template: null, note: undefined }
  if (by.length === 0)
    return {
      prompts,
      template: null,
      note: "The prompts are written as the run's template writes, and are taken as they are.",
    }
  const which =
    templates.length > 1 ? `template ${number} of the run's ${templates.length}` : "the run's template"
  const shown = JSON.stringify(promptText(by[0]!).slice(0, 60))
  return { prompts, template, note: `Written by ${which} (--raw leaves it out): ${shown}` }
}

function rowOf(text: string): Row {
  const value = parseJson(text)
  if (isRow(value)) return value
  throw new UserError(
    `--row ${text.trim() === '' ? '""' : text} is no JSON object of columns; write one such as {"instruction": "…"}`,
  )
}

function columnOf(text: string): [name: string, value: string] {
  const equals = text.indexOf('=')
  if (equals < 1)
    throw new UserError(
      `--column ${text.trim() === '' ? '""' : text} is no column; write name=value, for example instruction="Say hello"`,
    )
  return [text.slice(0, equals), text.slice(equals + 1)]
}
