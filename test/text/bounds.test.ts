import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { userError, withFolder } from '../data/helpers.ts'

/** What loading a GPT-2 tokenizer that was changed so, and cutting a text by it, ends in, and after how many seconds. */
async function ending(change: object, text: string): Promise<{ says: string; seconds: number }> {
  let [says, seconds] = ['', 0]
  await withFolder(async (folder) => {
    const files = await gpt2TokenizerFiles(100)
    const sound = JSON.parse(files['tokenizer.json']!) as object
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify({ ...sound, ...change }))
    await writeFile(join(folder, 'tokenizer_config.json'), files['tokenizer_config.json']!)
    const before = performance.now()
    says = await userError(async () => (await loadTokenizer(folder)).encode(text))
    seconds = (performance.now() - before) / 1000
  })
  return { says: says.replace(/\S*tokenizer\.json/, 'tokenizer.json'), seconds }
}

const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false }
const split = (Regex: string) => ({
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated' }, bytes],
  },
})
const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content })

const cases: readonly [what: string, change: object, text: string, says: RegExp][] = [
  [
    'a pattern that backtracks for ever',
    split('(a+)+$'),
    `${'a'.repeat(60)}!`,
    /^tokenizer\.json fails on the text "a+!": .*longer than two seconds/,
  ],
  [
    'one with alternatives',
    split('^(\\w|\\d|a)*$'),
    `${'a1'.repeat(40)}!`,
    /^tokenizer\.json fails .*longer than two seconds/,
  ],
  [
    'a replacement that backtracks for ever',
    { normalizer: replace({ Regex: '(x+x+)+y' }, '') },
    'x'.repeat(50),
    /^tokenizer\.json fails .*longer than two seconds/,
  ],
  [
    'replacements that grow',
    {
      normalizer: {
        type: 'Sequence',
        normalizers: Array.from({ length: 30 }, () => replace({ String: 'a' }, 'aa')),
      },
    },
    'a',
    /^tokenizer\.json: its replacements make texts grow/,
  ],
  [
    'pieces of no length',
    { pre_tokenizer: { type: 'FixedLength', length: 0 } },
    'a',
    /needs a length of at least 1/,
  ],
  [
    'an added token without an end',
    {
      added_tokens: ['<|endoftext|>', 'x'.repeat(60_000)].map((content, i) => ({
        id: 356 + i,
        content,
        special: true,
      })),
    },
    'a',
    /added tokens are too long to be looked for/,
  ],
  [
    'added tokens without end',
    {
      added_tokens: ['<|endoftext|>', ...Array.from({ length: 25_000 }, (_, i) => `<${i}>`)].map(
        (content, i) => ({
          id: 356 + i,
          content,
          lstrip: true,
          rstrip: true,
        }),
      ),
    },
    'a',
    /added tokens are too many to be looked for/,
  ],
  [
    'a text without a blank',
    {},
    'x'.repeat(15e6),
    /^a text of 15000000 characters, which begins with "x+", is longer/,
  ],
  ['a word without an end', {}, `a ${'x'.repeat(9e5)}`, /^a text of 900001 characters in one stretch/],
]

describe('text/bounds', () => {
  for (const [what, change, text, says] of cases)
    it(`refuses ${what} in a sentence, soon`, async () => {
      const end = await ending(change, text)
      expect(end.says).to.match(says)
      expect(end.seconds).to.be.lessThan(5)
    })
})
