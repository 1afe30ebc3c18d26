import { expect } from 'chai'

import { pasted } from '../../page/train/pasted.ts'

describe('pasted examples', () => {
  for (const [text, name] of [
    ['word,definition\na,b\n', 'pasted.csv'],
    ['"word","what it means"\na,b\n', 'pasted.csv'],
    ['word\tdefinition\na\tb', 'pasted.tsv'],
    ['{"text": "a"}\n{"text": "b"}', 'pasted.jsonl'],
    ['[{"text": "a"}]', 'pasted.json'],
  ] as const)
    it(`are ${name}: ${JSON.stringify(text)}`, async () => {
      const source = pasted(text)
      expect(source.name).to.equal(name)
      expect(await source.blob.text()).to.equal(text)
    })

  it('are a text a line where they are no table', async () => {
    const source = pasted(
      'Once, there was a "fox".\n\nIt ran, and ran, over all the hills of the land it knew.\n',
    )
    expect(source.name).to.equal('pasted.jsonl')
    const rows = (await source.blob.text()).trim().split('\n')
    expect(rows.map((row) => JSON.parse(row) as unknown)).to.deep.equal([
      { text: 'Once, there was a "fox".' },
      { text: 'It ran, and ran, over all the hills of the land it knew.' },
    ])
  })
})
