/**
 * Templates of conversations with a chat template, and what that is given.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import type { Value } from '../row.ts'
import type { TemplateSource } from './template_source.ts'

/** A template of conversations with a chat template in place of its texts for roles; others as they are. */
export function byChatTemplate(template: TemplateSource, chat_template: string): TemplateSource {
  if (!('user' in template)) return template
  const others = Object.entries(template).filter(([key]) => !['user', 'assistant', 'system'].includes(key))
  return { ...Object.fromEntries(others), chat_template }
}

/**
 * A template whose chat template is given these variables, too.
 *
 * @throws UserError where there are some and the template has no variables
 */
export function withVariables<T extends TemplateSource>(
  template: T | undefined,
  variables: Readonly<Record<string, Value>>,
): T | undefined {
  const [name] = Object.keys(variables)
  if (name === undefined) return template
  if (template && 'chat_template' in template)
    return { ...template, chat_template_kwargs: { ...template.chat_template_kwargs, ...variables } }
  throw new UserError(
    `there is no chat template that the variable ${quote(name)} could be given to; leave it out`,
  )
}
