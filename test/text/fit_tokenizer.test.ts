import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { rejection } from '../rejection.ts'

const OWN = 300

describe('a tokenizer beside a model', () => {
  let place: string
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-fit-'))
    const files = await gpt2TokenizerFiles(OWN - 257)
    const json = JSON.parse(files['tokenizer.json']!) as { added_tokens: object[] }
    const pad = { id: OWN, content: '[PAD]', special: true }
    await write('tokenizer.json', { ...json, added_tokens: [...json.added_tokens, pad] })
  })
  afterEach(() => rm(place, { recursive: true }))

  const write = (name: string, value: unknown) => writeFile(join(place, name), JSON.stringify(value))

  it('may have a token more, which no text may hold', async () => {
    await write('config.json', { vocab_size: OWN })
    const tokenizer = await loadTokenizer(place)
    expect(tokenizer.vocabSize).to.equal(OWN)
    expect(tokenizer.encode('a [PAD')).to.have.length(6)
    expect(() => tokenizer.encode('a [PAD] b')).to.throw(
      UserError,
      /the text "a \[PAD\] b" holds the token "\[PAD\]", whose id 300 the tokenizer has and the model with its 300 has not; take it out/,
    )
  })

  it('names the row of data that holds one which is no control token', async () => {
    await write('config.json', { vocab_size: OWN })
    const json = JSON.parse(await readFile(join(place, 'tokenizer.json'), 'utf8')) as {
      added_tokens: object[]
    }
    const word = { id: OWN, content: 'lantern', special: false }
    await write('tokenizer.json', { ...json, added_tokens: [json.added_tokens[0], word] })
    const path = join(place, 'x.csv')
    await writeFile(path, 'prompt,completion\na,b\na lantern,c\n')
    const error = await rejection(
      prepare({
        sources: [{ path, split: { all: 'train' } }],
        tokenizerFolder: place,
        maxLength: 32,
        out: join(place, 'out'),
      }),
    )
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(
      /x\.csv, row 2: the text ".*lantern" holds the token "lantern", whose id 300/,
    )
  })

  it('has all of its tokens where the model has them, and may have fewer than it', async () => {
    for (const vocab_size of [OWN + 1, OWN + 50]) {
      await write('config.json', { vocab_size })
      const tokenizer = await loadTokenizer(place)
      expect(tokenizer.vocabSize).to.equal(OWN + 1)
      expect(tokenizer.encode('[PAD]')).to.deep.equal([OWN])
      expect(tokenizer.knows(OWN)).to.equal(true)
      expect(tokenizer.knows(OWN + 1)).to.equal(false)
    }
  })

  it('is refused where it is another model’s', async () => {
    await write('config.json', { vocab_size: OWN - 2 })
    const error = await rejection(loadTokenizer(place))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/has 301 tokens but the model 298; use the model's own tokenizer/)
  })

  it('is refused where a text would end in a token that the model has not', async () => {
    await write('config.json', { vocab_size: OWN })
    await write('tokenizer_config.json', { eos_token: '[PAD]' })
    const error = await rejection(loadTokenizer(place))
    expect(error.message).to.match(/has 301 tokens but the model 300/)
  })
})
