/** @module */
import type { Value } from '../data/row.ts'
import type { ControlTokens } from '../data/templates/jinja.ts'
import { withVariables } from '../data/templates/own_template.ts'
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
import { learnedTemplates } from './templates.ts'

export interface OpenChatOptions extends ModelChoice, Device {
  /** Which of the run's templates to use, from 1. */
  readonly template?: number
  /** What a chat template is given beside the messages, such as `enable_thinking` and `tools`. */
  readonly variables?: Readonly<Record<string, Value>>
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
  const found = await findModel(folder, { checkpoint, adapter })
  const generator = await openTokenGenerator(found, nodeRuntime({ provider, threads }))
  try {
    return { ...(await openForm(folder, generator.tokenizer, options)), generator }
  } catch (error) {
    await generator.release()
    throw error
  }
}

/** What {@link openChat} says of the conversation, without the model. Throws as it does. */
export async function openForm(
  folder: string,
  tokens: ControlTokens,
  { template = 1, variables = {}, checkpoint, adapter }: OpenChatOptions = {},
): Promise<Omit<OpenChat, 'generator'>> {
  const { base } = await findModel(folder, { checkpoint, adapter })
  const templates = await learnedTemplates(folder)
  if (template > Math.max(1, templates.length))
    throw new UserError(
      `${folder} has no template ${template}, as there are ${templates.length}; lower --template`,
    )
  const own = templates.length === 0 ? await readChatTemplate(diskFiles(base)) : undefined
  const chosen = own === undefined ? templates[template - 1] : { chat_template: own }
  return {
    form: chatForm(withVariables(chosen, variables), tokens),
    templates: templates.length,
  }
}
