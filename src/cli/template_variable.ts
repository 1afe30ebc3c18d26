/** @module */
import { InvalidArgumentError, Option } from 'commander'

import type { Value } from '../data/row.ts'

/** What a command gives a chat template. */
export interface TemplateVariables {
  templateVariable: Readonly<Record<string, Value>>
}

/** `--template-variable name=value`, which may be given several times. */
export const templateVariableOption = (): Option =>
  new Option(
    '--template-variable <name=value>',
    "what the chat template is given, as enable_thinking=false or tools='[…]'; JSON, else a text; again for others",
  )
    .argParser((text: string, before: TemplateVariables['templateVariable']) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
      if (name === undefined) throw new InvalidArgumentError('write name=value.')
      return { ...before, [name]: valueOf(value!) }
    })
    .default({}, 'none')

function valueOf(text: string): Value {
  try {
    return JSON.parse(text) as Value
  } catch {
    return text
  }
}
