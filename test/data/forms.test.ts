import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { detectTemplate } from '../../src/data/templates/forms.ts'
import { compileLabelledText } from '../../src/data/templates/labelled_text.ts'
import type { Row } from '../../src/data/row.ts'
import { fileAt } from '../../src/formats/disk_file.ts'
import { templateOfFirstRow } from '../../src/data/sources/source_rows.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import type { SftTemplate, LabelTemplate } from '../../src/data/templates/template_source.ts'
import { templateSchema } from '../../src/runs/data_options.ts'
import { userError, withFile } from './helpers.ts'

/** What a row's examples are: given and learned texts, `|` between them and ⏹ for the end of text. */
function examplesOf(row: Row): string[] {
  const template = detectTemplate(Object.keys(row), 'sft') as SftTemplate
  return compileTemplate(template)
    .render(row, 'row 1')
    .map((segments) => segments.map(({ text }) => text.replaceAll(END_MARK, '⏹')).join('|'))
}

function labelledOf(row: Row) {
  const template = detectTemplate(Object.keys(row), 'classification') as LabelTemplate
  return compileLabelledText(template)(row, 'row 1')
}

describe('data/forms', () => {
  it('tells messages and conversations', () => {
    const texts = ['Be kind.\n\n### Instruction: Hi\n\n### Response:', ' Hello⏹'].join('|')
    const messages = [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
    ]
    expect(examplesOf({ id: 7, messages })).to.deep.equal([texts])
    const names = new Map([
      ['system', 'system'],
      ['user', 'human'],
      ['assistant', 'gpt'],
    ])
    const conversations = messages.map(({ role, content }) => ({ from: names.get(role)!, value: content }))
    expect(examplesOf({ conversations, source: 'x' })).to.deep.equal([texts])
  })

  it('tells prompt and completion, and plain text', () => {
    expect(examplesOf({ prompt: 'two', completion: ' three' })).to.deep.equal(['two| three⏹'])
    expect(examplesOf({ text: 'one' })).to.deep.equal(['one⏹'])
  })

  it('tells instructions, with a context section only where there is a context', () => {
    const request = '### Instruction: I\n\n'
    for (const [column, context] of [
      ['response', 'context'],
      ['output', 'input'],
    ] as const) {
      const row = { instruction: 'I', [column]: 'R' }
      expect(examplesOf(row)).to.deep.equal([`${request}### Response:| R⏹`])
      expect(examplesOf({ ...row, [context]: 'C' })).to.deep.equal([
        `${request}### Context: C\n\n### Response:| R⏹`,
      ])
      for (const empty of ['', ' \n', null]) {
        expect(examplesOf({ ...row, [context]: empty })).to.deep.equal([`${request}### Response:| R⏹`])
      }
    }
    expect(examplesOf({ question: 'I', answer: 'R' })).to.deep.equal([`${request}### Response:| R⏹`])
    // Rows after the first may lack the context's column.
    const template = detectTemplate(['instruction', 'context', 'response'], 'sft') as SftTemplate
    expect(compileTemplate(template).renderPrompt({ instruction: 'I' }, 'row 2')).to.equal(
      `${request}### Response:`,
    )
  })

  it('tells words with definitions and, where there are any, examples', () => {
    const row = { word: 'w', definition: 'd' }
    expect(examplesOf(row)).to.deep.equal(['Word: w ; Definition:| d⏹'])
    expect(examplesOf({ ...row, example: 'e' })).to.deep.equal([
      'Word: w ; Definition:| d⏹',
      'Word: w ; Example:| e⏹',
    ])
    expect(examplesOf({ ...row, example: '' })).to.deep.equal(['Word: w ; Definition:| d⏹'])
  })

  it('tells labelled texts and pairs of texts', () => {
    expect(labelledOf({ text: 't', label: 1 })).to.deep.equal({ text: 't', label: '1' })
    expect(labelledOf({ sentence: 't', label: 'yes', idx: 0 })).to.deep.equal({ text: 't', label: 'yes' })
    for (const [first, second] of [
      ['sentence1', 'sentence2'],
      ['premise', 'hypothesis'],
      ['question1', 'question2'],
      ['question', 'sentence'],
    ]) {
      const row = { [first!]: 'a', [second!]: 'b', label: 0 }
      expect(labelledOf(row)).to.deep.equal({ text: `a${END_MARK}b`, label: '0' })
    }
  })

  it('tells a prompt and a completion of messages; loss on the completion alone', async () => {
    const say = (role: string, content: string) => ({ role, content })
    const row = {
      prompt: [say('system', 'S'), say('user', 'a'), say('assistant', 'b'), say('user', 'c')],
      completion: [say('assistant', 'd')],
    }
    await withFile('d.jsonl', JSON.stringify(row), async (path) => {
      const template = (await templateOfFirstRow(fileAt(path), {}, 'sft')) as SftTemplate
      const [segments] = compileTemplate(template).render(row, 'row 1')
      expect(segments!.filter(({ learned }) => learned).map(({ text }) => text)).to.deep.equal([
        ` d${END_MARK}`,
      ])
      expect(segments!.map(({ text }) => text).join('')).to.include(
        `### Response: b${END_MARK}### Instruction: c`,
      )
      expect(templateSchema.parse(template)).to.deep.equal(template)
    })
    await withFile('d.jsonl', '{"prompt":"p","completion":"c"}', async (path) => {
      expect(await templateOfFirstRow(fileAt(path), {}, 'sft')).to.deep.equal(
        detectTemplate(['prompt', 'completion'], 'sft'),
      )
    })
  })

  it('tells nothing of other columns, or of another task', () => {
    expect(detectTemplate(['Word', 'meaning'], 'sft')).to.equal(undefined)
    expect(detectTemplate(['instruction', 'context'], 'sft')).to.equal(undefined)
    expect(detectTemplate(['prompt', 'completion'], 'classification')).to.equal(undefined)
    expect(detectTemplate(['text'], 'classification')).to.equal(undefined)
    expect(detectTemplate([], 'sft')).to.equal(undefined)
    for (const columns of [
      ['prompt', 'chosen'],
      ['prompt', 'completion'],
      ['word', 'definition'],
    ])
      expect(detectTemplate(columns, 'preference')).to.equal(undefined)
    expect(detectTemplate(['text'], 'prompt')).to.equal(undefined)
  })

  it('looks at the first row of a file; names its columns and the forms where it is none', async () => {
    await withFile('d.csv', 'word,definition\nw,d\n', async (path) => {
      expect(await templateOfFirstRow(fileAt(path), {}, 'sft')).to.deep.equal(
        detectTemplate(['word', 'definition'], 'sft'),
      )
      expect(await userError(() => templateOfFirstRow(fileAt(path), {}, 'classification'))).to.match(
        /d\.csv: its columns \(word, definition\) are of no form known for classification; give a template, or name the columns as in one of: sentence1, sentence2, label; .*; text \(or sentence\), label$/,
      )
      const columns = { columns: ['a', 'b'] }
      expect(await userError(() => templateOfFirstRow(fileAt(path), columns, 'sft'))).to.match(
        /columns \(a, b\) .* messages; /,
      )
    })
    await withFile('e.csv', 'word,definition\n', async (path) => {
      expect(await userError(() => templateOfFirstRow(fileAt(path), {}, 'sft'))).to.match(
        /e\.csv: there is no row to tell/,
      )
    })
  })
})
