/**
 * The chat template that a run's conversations are written by: the model's own, or one that the configuration names.
 * @module
 */
import { byChatTemplate } from '../data/templates/own_template.ts'
import { isConversing } from '../data/templates/template_source.ts'
import type { TemplateSource } from '../data/templates/template_source.ts'
import { UserError } from '../errors.ts'
import { readChatTemplate } from '../formats/chat_template.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { readText } from '../formats/read_file.ts'
import { tokenizerFolder } from './artifacts.ts'

/** In a configuration, stands for the model's own. */
const OWN = 'model'

/**
 * A template that the configuration gives, with the text of its chat template.
 *
 * @throws UserError where it is the model's and there is none, or its file cannot be read
 */
export async function withChatTemplate(template: TemplateSource, model: string): Promise<TemplateSource> {
  if (!('chat_template' in template)) return template
  const { chat_template: given } = template
  if (given.endsWith('.jinja')) return { ...template, chat_template: await readText(given) }
  if (given !== OWN) return template
  const own = await readOwn(model)
  if (own === undefined)
    throw new UserError(
      `${model} has no chat template of its own; name a file as template.chat_template, or write texts for user and assistant`,
    )
  return { ...template, chat_template: own }
}

/** A template that columns tell: for conversations the model's own, where it has one. */
export async function preferOwn(template: TemplateSource, model: string): Promise<TemplateSource> {
  const own = isConversing(template) ? await readOwn(model) : undefined
  return own === undefined ? template : byChatTemplate(template, own)
}

const readOwn = async (model: string): Promise<string | undefined> =>
  readChatTemplate(diskFiles(await tokenizerFolder(model)))
