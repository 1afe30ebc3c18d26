/**
 * The chat template of a model folder, in any of the places where transformers keeps it: `chat_template.jinja`, or in
 * `tokenizer_config.json` one template or a list of named ones.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import { exists, readJson, readText } from './read_file.ts'

export interface ChatTemplateFile {
  /** Jinja2. */
  readonly source: string
  /** The special tokens that it may write, by their names: `bos_token`, `eos_token` … */
  readonly tokens: Readonly<Record<string, string>>
}

/** Where transformers keeps a template by itself. */
export const CHAT_TEMPLATE_FILE = 'chat_template.jinja'

const named = z.array(z.looseObject({ name: z.string(), template: z.string() })).min(1)

const schema = z.looseObject({
  chat_template: z.union([z.string(), named]).nullish(),
})

/** @throws UserError where the files are broken */
export async function readChatTemplate(folder: string): Promise<ChatTemplateFile | undefined> {
  const path = join(folder, 'tokenizer_config.json')
  const config = checkJson(schema, (await exists(path)) ? await readJson(path) : {}, path)
  const own = join(folder, CHAT_TEMPLATE_FILE)
  const source = (await exists(own)) ? await readText(own) : defaultOf(config.chat_template)
  return source === undefined ? undefined : { source, tokens: specialTokens(config) }
}

/** Of named templates the one called `default`, else the first. */
function defaultOf(given: z.infer<typeof schema>['chat_template']): string | undefined {
  if (typeof given === 'string' || !given) return given ?? undefined
  return (given.find(({ name }) => name === 'default') ?? given[0])!.template
}

const tokenSchema = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform(({ content }) => content),
])

function specialTokens(config: object): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const [key, value] of Object.entries(config)) {
    const token = key.endsWith('_token') ? tokenSchema.safeParse(value) : undefined
    if (token?.success) tokens[key] = token.data
  }
  return tokens
}
