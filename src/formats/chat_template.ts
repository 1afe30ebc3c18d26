/**
 * The chat template of a model folder, in any of the places where transformers keeps it: `chat_template.jinja`, or in
 * `tokenizer_config.json` one template or a list of named ones.
 * @module
 */
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import type { Files } from './files.ts'
import { has } from './files.ts'

/** Where transformers keeps a template by itself. */
export const CHAT_TEMPLATE_FILE = 'chat_template.jinja'

const named = z.array(z.looseObject({ name: z.string(), template: z.string() })).min(1)

const schema = z.looseObject({
  chat_template: z.union([z.string(), named]).nullish(),
})

/**
 * The template, in Jinja2.
 * @throws UserError where the files are broken
 */
export async function readChatTemplate(files: Files): Promise<string | undefined> {
  const name = 'tokenizer_config.json'
  const json = (await has(files, name)) ? await files.json(name) : {}
  const config = checkJson(schema, json, files.path(name))
  const isOwn = await has(files, CHAT_TEMPLATE_FILE)
  return isOwn ? files.text(CHAT_TEMPLATE_FILE) : defaultOf(config.chat_template)
}

/** Of named templates the one called `default`, else the first. */
function defaultOf(given: z.infer<typeof schema>['chat_template']): string | undefined {
  if (typeof given === 'string' || !given) return given ?? undefined
  return (given.find(({ name }) => name === 'default') ?? given[0])!.template
}
