/** @module */
import { UserError } from '../errors.ts'
import type { ModelChoice } from '../models/find_model.ts'
import { findModel } from '../models/find_model.ts'
import type { ChatForm } from '../generation/chat_form.ts'
import { chatForm } from '../generation/chat_form.ts'
import type { TokenGenerator } from '../generation/token_generator.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import { openTokenGenerator } from '../models/open_token_generator.ts'
import { readChatTemplate } from '../formats/chat_template.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { compileJinja, jinjaForm } from '../generation/jinja_form.ts'
import { learnedTemplates } from './templates.ts'

export interface OpenChatOptions extends ModelChoice, Device {
  /** Which of the run's templates to use, from 1. */
  readonly template?: number
}

/** What a conversation is begun with. */
export interface OpenChat {
  readonly generator: TokenGenerator
  readonly form: ChatForm
  /** How many templates there are to choose from. */
  readonly templates: number
}

/**
 * Opens the model of a folder, with the form of the template that its run learned from; where there is none, with the chat template
 * of the model itself.
 *
 * @throws UserError where the folder holds no language model, or the run no such template
 */
export async function openChat(folder: string, options: OpenChatOptions = {}): Promise<OpenChat> {
  const { checkpoint, adapter, provider, threads } = options
  const form = await openForm(folder, options)
  const found = await findModel(folder, { checkpoint, adapter })
  return { ...form, generator: await openTokenGenerator(found, nodeRuntime({ provider, threads })) }
}

/** What {@link openChat} says of the conversation, without the model. Throws as it does. */
export async function openForm(
  folder: string,
  { template = 1, checkpoint, adapter }: OpenChatOptions = {},
): Promise<Omit<OpenChat, 'generator'>> {
  const { base } = await findModel(folder, { checkpoint, adapter })
  const templates = await learnedTemplates(folder)
  if (template > Math.max(1, templates.length))
    throw new UserError(
      `${folder} has no template ${template}, as there are ${templates.length}; lower --template`,
    )
  const own = templates.length === 0 ? await readChatTemplate(diskFiles(base)) : undefined
  return {
    form: own ? jinjaForm(compileJinja(own.source, own.tokens)) : chatForm(templates[template - 1]),
    templates: templates.length,
  }
}
