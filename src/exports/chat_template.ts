/**
 * What a run learned to converse by, for those who open its exported model: the templates themselves, which `ortune chat` reads,
 * and a chat template of transformers, in place of the base's, which the model was not trained with.
 * @module
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { compileJinja } from '../data/templates/jinja.ts'
import { compilePart } from '../data/templates/template_part.ts'
import type { ChatTemplate, JinjaChatTemplate } from '../data/templates/template_source.ts'
import type { GivenMessage } from '../data/templates/turns.ts'
import { END_MARK, END_OF_TEXT, withoutMarks } from '../data/templates/end_of_text.ts'
import { CHAT_TEMPLATE_FILE, readChatTemplate } from '../formats/chat_template.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { exists, readJson } from '../formats/read_file.ts'
import { chatForm } from '../generation/chat_form.ts'

/** Stands for a reply; of the private use area, so hardly part of a template. */
const REPLY = '\uE000'

/** A conversation that both templates are to write alike. */
const SAMPLE = [
  { role: 'user', content: 'How far <is> it? & that\'s "all" OF IT' },
  { role: 'assistant', content: 'A mile.' },
  { role: 'user', content: ' and\nback ' },
] as const

/**
 * The same template in Jinja2 over `messages`, with `add_generation_prompt`; undefined where it uses what Jinja2 does not have, or
 * means something else by.
 */
export function jinjaOf(source: ChatTemplate): string | undefined {
  // A block's own line breaks and blanks are trimmed by transformers; next to an expression they are text.
  const text = (part: string) => `{{ '' }}${part.replaceAll(END_OF_TEXT, '{{ eos_token }}')}{{ '' }}`
  const { system, user, assistant } = source
  const refusal =
    "{{ raise_exception('this model has learned from no messages of the role ' + message['role']) }}"
  const opening = compilePart(assistant, 'assistant').render({ content: REPLY }, 'a reply').split(REPLY)[0]!
  const template = [
    "{% for message in messages %}{% set content = message['content'] %}",
    `{% if message['role'] == 'user' %}${text(user)}`,
    `{% elif message['role'] == 'assistant' %}${text(assistant)}`,
    ...(system === undefined ? [] : [`{% elif message['role'] == 'system' %}${text(system)}`]),
    `{% else %}${refusal}{% endif %}{% endfor %}`,
    `{% if add_generation_prompt %}${text(opening.replaceAll(END_MARK, END_OF_TEXT).trimEnd())}{% endif %}`,
  ].join('')
  // Texts have a length in JavaScript alone, also for the library that compares the two here.
  if (codeOf([system ?? '', user, assistant]).some((code) => /\.\s*length\b/.test(code))) return undefined
  return writesAlike(template, source) ? template : undefined
}

/** A chat template that a run learned by, which renders as it did there: what it was given beside the messages is so by default. */
export const asLearned = ({ chat_template, chat_template_kwargs = {} }: JinjaChatTemplate): string =>
  Object.entries(chat_template_kwargs)
    .map(
      ([name, value]) =>
        `{% if ${name} is not defined %}{% set ${name} = ${jinjaLiteral(value)} %}{% endif %}{{ '' }}`,
    )
    .join('') + chat_template

/** A value of JSON as Jinja writes it. */
function jinjaLiteral(value: unknown): string {
  if (value === null) return 'none'
  if (Array.isArray(value)) return `[${value.map((item: unknown) => jinjaLiteral(item)).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const items = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jinjaLiteral(item)}`)
  return `{${items.join(', ')}}`
}

/** What stands between the braces of texts. */
const codeOf = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => [...text.matchAll(/\{[{%][\s\S]*?[%}]\}/g)].map(([code]) => code))

/** Why there is no such template, for a note. */
export function whyNoJinja({ system = '', user, assistant }: ChatTemplate): string {
  const used = codeOf([system, user, assistant]).flatMap((code) => [
    ...code.matchAll(/\|\s*((\w+)(?:\s*\([^)]*\))?)/g),
  ])
  const foreign = used.flatMap(([, filter, name]) =>
    jinjaOf({ user: `{{ content | ${filter} }}`, assistant: '{{ content }}' }) === undefined ? [name!] : [],
  )
  const named = [...new Set(foreign)].map((name) => `"${name}"`).join(', ')
  if (foreign.length === 0) return 'its template uses what Jinja does not have, or means something else by'
  return `Jinja does not have the filter${foreign.length > 1 ? 's' : ''} ${named} of its template, or writes something else`
}

function writesAlike(template: string, source: ChatTemplate): boolean {
  const form = chatForm(source)
  const systems = source.system === undefined ? [undefined] : [undefined, 'Be brief.']
  const turns = [{ answers: { you: SAMPLE[0].content }, reply: SAMPLE[1].content }]
  try {
    const end = { special: new Map([[END_OF_TEXT, 0]]), names: { eos_token: END_OF_TEXT }, eosId: 0 }
    const { render } = compileJinja(template, end)
    return systems.every((system) => {
      const first: GivenMessage[] = system === undefined ? [] : [{ role: 'system', content: system }]
      const ours = form.prompt({ you: SAMPLE[2].content }, turns, system).join('')
      const theirs = render({ messages: [...first, ...SAMPLE], add_generation_prompt: true })
      return withoutMarks(theirs) === withoutMarks(ours)
    })
  } catch {
    return false
  }
}

/** Puts a chat template into a folder in place of those that came with its tokenizer; none takes them away. */
export async function replaceChatTemplate(folder: string, template: string | undefined): Promise<void> {
  await rm(join(folder, CHAT_TEMPLATE_FILE), { force: true })
  if (template === undefined && !(await readChatTemplate(diskFiles(folder)))) return
  const path = join(folder, 'tokenizer_config.json')
  const known = (await exists(path)) ? ((await readJson(path)) as Record<string, unknown>) : {}
  // A key that is undefined is left out.
  await writeFile(path, `${JSON.stringify({ ...known, chat_template: template }, null, 2)}\n`)
}
