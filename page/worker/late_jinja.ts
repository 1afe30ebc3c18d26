/**
 * What writes conversations by a model's own chat template, where a model has one. The build gives it to
 * `src/data/templates/conversation.ts` in place of what loads Jinja at once (`page/lighter.ts`).
 * @module
 */
import type { Files } from '../../src/formats/files.ts'
import type { TemplateSource } from '../../src/web.ts'
import type { jinjaTurns as Compile } from '../../src/data/templates/jinja_turns.ts'

let compile: typeof Compile | undefined

/** Says that a template needs Jinja; {@link withJinja} takes it. */
class NeedsJinja extends Error {}

export const jinjaTurns: typeof Compile = (source, tokens) => {
  if (!compile) throw new NeedsJinja('the chat template needs Jinja, and it has not been loaded')
  return compile(source, tokens)
}

/** Acts, and anew with Jinja where a template needs it. What fails must leave nothing behind. */
export async function withJinja<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NeedsJinja)) throw error
    compile = (await import('../../src/data/templates/jinja_turns.ts')).jinjaTurns
    return act()
  }
}

/** A template that columns of messages tell, by the model's own chat template where it has one. */
export async function preferOwn(template: TemplateSource, files: Files): Promise<TemplateSource> {
  const { readChatTemplate } = await import('../../src/formats/chat_template.ts')
  const { byChatTemplate } = await import('../../src/data/templates/own_template.ts')
  const own = await readChatTemplate(files)
  return own === undefined ? template : byChatTemplate(template, own)
}
