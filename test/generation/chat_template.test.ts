import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { CONTROL_MARK, END_MARK, WHOLE_MARK } from '../../src/data/templates/end_of_text.ts'
import { compileJinja } from '../../src/data/templates/jinja.ts'
import type { ChatTemplate } from '../../src/data/templates/template_source.ts'
import { jinjaOf, replaceChatTemplate, whyNoJinja } from '../../src/exports/chat_template.ts'
import { readChatTemplate } from '../../src/formats/chat_template.ts'
import { diskFiles } from '../../src/formats/disk_files.ts'
import { chatForm } from '../../src/generation/chat_form.ts'
import { openChat } from '../../src/runs/open_chat.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'

const turns = [{ answers: { you: 'Hi' }, reply: 'Yes' }]
/** What there is of a tokenizer of these tokens. */
const tokensOf = (names: Record<string, string>) => {
  const special = new Map(Object.values(names).map((token, id) => [token, id]))
  return { names, special, eosId: special.get(names['eos_token'] ?? '') ?? -1 }
}
const prompt = (source: string, tokens: Record<string, string> = {}, system?: string) => {
  const text = chatForm({ chat_template: source }, tokensOf(tokens)).prompt({ you: 'Why?' }, turns, system)
  expect(text.join('')).to.match(new RegExp(`^${WHOLE_MARK}`))
  return text.join('').slice(WHOLE_MARK.length)
}

describe('chat templates of models', () => {
  const loop = (name: string, inner: string) => `{% for ${name} in r %}${inner}{% endfor %}`
  const doubled = (first: string, times: number, sum: string) =>
    `{% set x = ${first} %}${`{% set x = ${sum} %}`.repeat(times)}`
  const many = doubled('"aé日本"', 17, 'x ~ x')
  const endless: Readonly<Record<string, string>> = {
    'loops in loops': `{% set r = range(1000) %}${loop('a', loop('b', loop('c', '')))}`,
    'a range': '{{ range(4000000000) | length }}',
    'a range backwards': '{{ range(0, -4000000000, -1) | length }}',
    'a range of no step': '{{ range(0, 10, 0) | length }}',
    'many ranges': `{% set r = range(60000) %}${loop('a', '{% set y = range(60000) %}')}`,
    'a text that doubles': doubled('"a"', 60, 'x ~ x'),
    'a list that doubles': doubled('["a"]', 60, 'x + x'),
    'a list of lists that doubles': `${doubled('["a"]', 60, '[x, x]')}{{ x | tojson }}`,
    'a list in lists': `${doubled('["a"]', 3000, '[x]')}{{ x | tojson(indent=9) }}`,
    'an indentation': '{{ "a\na" | indent(1000000000, true) }}',
    'the indentation of JSON': '{{ [1] | tojson(indent=1000000000) }}',
    'a replacement': `${many}{{ x | replace("a", x) | length }}`,
    'a replacement by a method': `${many}{{ x.replace("a", x) | length }}`,
    'a replacement by a method of another name': `${many}{% set f = x["repl" ~ "ace"] %}{{ f("a", x) | length }}`,
    'a separator': `${many}{{ x | join(x) | length }}`,
    'a separator by its name': `${many}{{ x | join(separator=x) | length }}`,
    'parts of a list': `${many}{{ x | join(*[x]) | length }}`,
    'a list of a text': `${many}{{ [${Array(900).fill('x').join(', ')}] | join | length }}`,
    'many texts': `${many}{% set r = range(60000) %}${loop('a', '{% set y = x | upper %}')}`,
    'a macro that calls itself': '{% macro f(a) %}{{ f(a ~ a) }}{% endmacro %}{{ f("a") }}',
  }
  for (const [what, source] of Object.entries(endless))
    it(`that would take all time and memory end in a sentence, soon: ${what}`, async () => {
      const [before, memory] = [performance.now(), process.resourceUsage().maxRSS]
      const { render } = compileJinja(source, tokensOf({}))
      expect(
        await userError(() =>
          render({ messages: [{ role: 'user', content: 'Hi' }], add_generation_prompt: true }),
        ),
      )
        .to.match(/^the chat template fails: /)
        .and.have.length.lessThan(400)
      expect(performance.now() - before).to.be.lessThan(5000)
      // In kilobytes.
      expect(process.resourceUsage().maxRSS - memory).to.be.lessThan(600_000)
    }).timeout(20_000)

  it('count, replace, join and indent as ever', () => {
    const source =
      '{{ range(3) | join(",") }}{{ range(5, 1, -2) | join(",") }}{{ range(3, 1) | length }}' +
      '{{ "a-b".replace("-", "+") }}{{ "a-b"["replace"]("-", "*") }}{{ "a\nb" | indent(2) }}{{ [1] | tojson(indent=1) }}'
    expect(prompt(source)).to.equal('0,1,25,30a+ba*ba\n  b[\n 1\n]'.replaceAll('\\n', '\n'))
  })

  const chatml =
    "{%- if messages[0]['role'] != 'system' -%}{{ '<s>You help.</s>\n' }}{%- endif -%}" +
    "{%- for m in messages -%}{{ '<' + m['role'] + '>' + m['content'] | trim + eos_token + '\n' }}{%- endfor -%}" +
    "{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%}"

  it('are rendered with all turns, what begins a reply, and their own system message or the given one', () => {
    const said = `<user>Hi${END_MARK}\n<assistant>Yes${END_MARK}\n<user>Why?${END_MARK}\n<assistant>`
    const tokens = { eos_token: '</s>' }
    expect(prompt(chatml.replace('</s>', ''), tokens)).to.equal(`<s>You help.\n${said}`)
    expect(prompt(chatml, tokens, 'Be brief.')).to.equal(`<system>Be brief.${END_MARK}\n${said}`)
  })

  it('may use namespaces, loop controls, tojson and the date', () => {
    const source =
      '{% set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == "assistant" %}{% continue %}{% endif %}' +
      '{% set ns.n = ns.n + 1 %}{{ m.content | tojson }}{% endfor %}{{ ns.n }} {{ strftime_now("%Y") }}{{ bos_token }}'
    expect(prompt(source, { bos_token: '<s>' })).to.equal(
      `"Hi""Why?"2 ${new Date().getFullYear()}${CONTROL_MARK}<s>`,
    )
  })

  for (const [what, source, says] of [
    ['blanks without end', `{{ a }}${' '.repeat(90_000)}{% if`, /more than 1000 blanks in a row/],
    ['line ends without end', `{%- if${'\n'.repeat(90_000)}a %}`, /more than 1000 blanks in a row/],
    ['no end', '{{ a }}'.repeat(100_000), /longer than 100000 characters/],
  ] as const)
    it(`of ${what} are refused within a second`, async () => {
      const before = performance.now()
      expect(await userError(() => prompt(source))).to.match(says)
      expect(performance.now() - before).to.be.lessThan(1000)
    })

  it('that refuse messages, fail or are malformed are a sentence', async () => {
    expect(await userError(async () => prompt("{{ raise_exception('no such turn') }}"))).to.match(
      /the chat template fails: .*no such turn/,
    )
    expect(await userError(async () => prompt('{% for m in %}'))).to.match(/the chat template fails/)
  })

  it('are found in each place where transformers keeps them, a file by itself first', async () => {
    await withFolder(async (folder) => {
      const write = (name: string, value: string) => writeFile(join(folder, name), value)
      const config = (chat_template: unknown) =>
        write('tokenizer_config.json', JSON.stringify({ chat_template, eos_token: { content: '</s>' } }))
      expect(await readChatTemplate(diskFiles(folder))).to.equal(undefined)
      await config('one')
      expect(await readChatTemplate(diskFiles(folder))).to.equal('one')
      await config([
        { name: 'tool_use', template: 'tools' },
        { name: 'default', template: 'usual' },
      ])
      expect(await readChatTemplate(diskFiles(folder))).to.equal('usual')
      await config([{ name: 'rag', template: 'only' }])
      expect(await readChatTemplate(diskFiles(folder))).to.equal('only')
      await write('chat_template.jinja', 'file')
      expect(await readChatTemplate(diskFiles(folder))).to.equal('file')
      await replaceChatTemplate(folder, 'trained')
      expect(await readChatTemplate(diskFiles(folder))).to.equal('trained')
      await replaceChatTemplate(folder, undefined)
      expect(await readChatTemplate(diskFiles(folder))).to.equal(undefined)
      expect(await readFile(join(folder, 'tokenizer_config.json'), 'utf8')).to.contain('eos_token')
    })
  })

  it('are what `ortune chat` asks a model by that no run trained', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'model')
      await mkdir(model)
      await writeTinyModel(model)
      await writeFile(join(model, 'chat_template.jinja'), chatml)
      const { form, generator } = await openChat(model)
      await generator.release()
      expect(form).to.deep.include({ kind: 'conversation', takesSystem: true })
      expect(form.prompt({ you: 'a' }, []).join('')).to.contain('<user>a')
    })
  })

  const templates: ChatTemplate[] = [
    { user: '{{ content }}', assistant: '{{ content }}<|endoftext|>' },
    { user: '\n\nUser: {{ content }}\n', assistant: '\nAssistant: {{ content | trim }}<|endoftext|>' },
    { user: '{% if content %}<{{ content }}>{% endif %}', assistant: ' {{ content }}' },
    {
      system: '{{ content | upper }}\n',
      user: 'Q: {{ content }}\n',
      assistant: 'A: {{ content }}<|endoftext|>\n',
    },
  ]
  for (const template of templates)
    it(`that a run learned by are written in Jinja: ${JSON.stringify(template)}`, () => {
      const jinja = jinjaOf(template)!
      for (const system of template.system === undefined ? [undefined] : [undefined, 'Be brief.'])
        expect(prompt(jinja, { eos_token: '<|endoftext|>' }, system)).to.equal(
          chatForm(template).prompt({ you: 'Why?' }, turns, system).join(''),
        )
    })

  it('are not written where Jinja does not have what they use', () => {
    expect(jinjaOf({ user: '{{ content | dump }}', assistant: '{{ content }}' })).to.equal(undefined)
    for (const [user, says] of [
      ['{{ content | dump }}', /the filter "dump" of its template/],
      ['{{ content | trim | truncate(9) }}', /the filter "truncate" of/],
      ['{{ content | title }} {{ content | escape }}', /the filters "title", "escape" of/],
      ['{{ content | replace("a", "b") | capitalize }} | said', /the filter "capitalize" of/],
      ['{{ content.length }}', /^its template uses what Jinja does not have/],
    ] as const) {
      const template = { user, assistant: '{{ content }}' }
      expect(jinjaOf(template), user).to.equal(undefined)
      expect(whyNoJinja(template), user).to.match(says)
    }
  })
})
