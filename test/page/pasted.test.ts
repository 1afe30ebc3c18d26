import { expect } from 'chai'

import { linesOf, pasted } from '../../page/train/pasted.ts'
import type { Source } from '../../page/worker/workshop.ts'

describe('pasted examples', () => {
  for (const [text, name] of [
    ['word,definition\na,b\n', 'pasted.csv'],
    ['"word","what it means"\na,b\n', 'pasted.csv'],
    ['word\tdefinition\na\tb', 'pasted.tsv'],
    ['{"text": "a"}\n{"text": "b"}', 'pasted.jsonl'],
    ['[{"text": "a"}]', 'pasted.json'],
  ] as const)
    it(`are ${name}: ${JSON.stringify(text)}`, async () => {
      const source = pasted(text, 'text')
      expect(source.name).to.equal(name)
      expect(await source.blob.text()).to.equal(text)
    })

  it('are a text a line where they are no table', async () => {
    const source = pasted(
      'Once, there was a "fox".\n\nIt ran, and ran, over all the hills of the land it knew.\n',
      'text',
    )
    expect(source.name).to.equal('pasted.jsonl')
    const rows = (await source.blob.text()).trim().split('\n')
    expect(rows.map((row) => JSON.parse(row) as unknown)).to.deep.equal([
      { text: 'Once, there was a "fox".' },
      { text: 'It ran, and ran, over all the hills of the land it knew.' },
    ])
  })

  const rowsOf = async (source: Source): Promise<unknown[]> =>
    (await source.blob.text())
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row) as unknown)

  it('are prompts where the task has prompts', async () => {
    expect(await rowsOf(pasted('Tell me of cats.\nAnd of dogs.', 'prompt'))).to.deep.equal([
      { prompt: 'Tell me of cats.' },
      { prompt: 'And of dogs.' },
    ])
  })

  for (const [text, column, rows] of [
    ['text\nThe cat sat.\n', 'text', [{ text: 'The cat sat.' }]],
    ['Text\r\nThe cat sat.\r\n', 'prompt', [{ prompt: 'The cat sat.' }]],
    ['prompt\nWord: lamp ; Definition:', 'prompt', [{ prompt: 'Word: lamp ; Definition:' }]],
    [
      'word\n"a ""b"", c"\n"Yes," she said, "no."',
      'text',
      [{ word: 'a "b", c' }, { word: '"Yes," she said, "no."' }],
    ],
    ['text', 'text', [{ text: 'text' }]],
    ['Texts\nThe cat sat.', 'text', [{ text: 'Texts' }, { text: 'The cat sat.' }]],
  ] as const)
    it(`have a heading where it is a known one: ${JSON.stringify(text)}`, async () => {
      expect(await rowsOf(pasted(text, column))).to.deep.equal(rows)
    })

  it('may be a file of lines, in UTF-8', async () => {
    const source = await linesOf(new File(['Grüße.\nÜber alles.\n'], 'greetings.txt'), 'text')
    expect(source.name).to.equal('greetings.jsonl')
    expect(await rowsOf(source)).to.deep.equal([{ text: 'Grüße.' }, { text: 'Über alles.' }])
    const western = linesOf(new File([Uint8Array.of(0x47, 0xfc)], 'western.txt'), 'text')
    const error = await western.then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).to.include({
      name: 'UserError',
      message: 'western.txt is no text in UTF-8; save it again as UTF-8',
    })
  })
})
