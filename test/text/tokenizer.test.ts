import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import fc from 'fast-check'
import { encode as referenceEncode } from 'gpt-3-encoder'

import { UserError } from '../../src/errors.ts'
import { createTokenizer } from '../../src/text/create_tokenizer.ts'
import { createDetokenizer } from '../../src/text/detokenizer.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { rejection } from '../rejection.ts'

/** Texts of all kinds: letters and blanks, any code point, and what GPT-2's pattern treats specially. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
      fc.constantFrom(
        ' the',
        'ing',
        "'ll",
        "'S",
        '  ',
        '\n\n',
        '\t',
        '\u0085',
        '\ufeff',
        '\u3000',
        '12½',
        '日本',
        '🙂',
        '\0',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

/** The same merges by brute force: of all neighbours, joins the pair that stands first in the list, until none does. */
function slowMerges(pieces: string[], ranks: ReadonlyMap<string, number>): string[] {
  const rank = (i: number) => ranks.get(`${pieces[i]} ${pieces[i + 1]}`) ?? Infinity
  let best = 0
  for (let i = 1; i + 1 < pieces.length; i++) if (rank(i) < rank(best)) best = i
  if (rank(best) === Infinity) return pieces
  return slowMerges(
    [...pieces.slice(0, best), pieces[best]! + pieces[best + 1]!, ...pieces.slice(best + 2)],
    ranks,
  )
}

describe('tokenizers', () => {
  const cutMerges = 1000
  let full: Tokenizer
  let cut: Tokenizer
  let place: string
  let cutJson: { model: { vocab: Record<string, number>; merges: string[] }; added_tokens: object[] }
  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-tokenizer-'))
    const write = async (merges?: number) => {
      for (const [name, content] of Object.entries(await gpt2TokenizerFiles(merges)))
        writeFileSync(join(place, name), content)
      return loadTokenizer(place)
    }
    full = await write()
    cut = await write(cutMerges)
    cutJson = JSON.parse((await gpt2TokenizerFiles(cutMerges))['tokenizer.json']!) as typeof cutJson
  })
  after(() => rm(place, { recursive: true }))

  describe('with GPT-2’s vocabulary', () => {
    it('give GPT-2’s ids', () => {
      expect(full.vocabSize).to.equal(50257)
      expect(full.eosId).to.equal(50256)
      expect(full.encode('Hello world')).to.deep.equal([15496, 995])
      expect(full.encode("Hello, I'm a language model,")).to.deep.equal([
        15496, 11, 314, 1101, 257, 3303, 2746, 11,
      ])
      expect(full.encode('<|endoftext|>')).to.deep.equal([50256])
      expect(full.encode('')).to.deep.equal([])
    })

    it('encode as an independent implementation does', () => {
      // Not for U+0085 and U+FEFF, where JavaScript's \s, which it uses, is not Unicode's white space, nor for commas,
      // with which it joins pairs into keys, so that the pair `",` `"` passes for the merge `"` `,"`.
      const comparable = text.filter((given) => !/[\u0085\ufeff,]/.test(given))
      fc.assert(
        fc.property(comparable, (given) => {
          expect(full.encode(given)).to.deep.equal(referenceEncode(given))
        }),
        { numRuns: 300 },
      )
    })

    it('treat U+0085 as white space and U+FEFF as a sign, as the tokenizers of transformers do', () => {
      // Ids from transformers 5.23 with this tokenizer.json.
      expect(full.encode('x \u0085 y\ufeff!')).to.deep.equal([87, 1587, 227, 331, 171, 119, 123, 0])
    })
  })

  describe('with the vocabulary cut', () => {
    it('have 257 entries more than merges, the last of which ends a text', () => {
      expect(cut.vocabSize).to.equal(cutMerges + 257)
      expect(cut.eosId).to.equal(cutMerges + 256)
      expect(cut.encode('a<|endoftext|>b')).to.deep.equal([64, cutMerges + 256, 65])
    })

    it('apply exactly the merges kept, in their order', () => {
      const { vocab, merges } = cutJson.model
      expect(merges.length).to.equal(cutMerges)
      const ranks = new Map(merges.map((merge, rank) => [merge, rank]))
      fc.assert(
        fc.property(fc.stringMatching(/^[a-z]{1,20}$/), (word) => {
          const expected = slowMerges([...word], ranks).map((token) => vocab[token])
          expect(cut.encode(word)).to.deep.equal(expected)
        }),
        { numRuns: 300 },
      )
    })

    it('agree with the full vocabulary where it needs only the merges kept', () => {
      const same = full.encode(' the of and to in').every((id) => id < cutMerges + 256)
      expect(same).to.equal(true)
      expect(cut.encode(' the of and to in')).to.deep.equal(full.encode(' the of and to in'))
    })

    it('exist for 0 to 50,000 merges', async () => {
      const files = await gpt2TokenizerFiles(0)
      const bytes = createTokenizer(JSON.parse(files['tokenizer.json']!), {}, 't')
      expect(bytes.vocabSize).to.equal(257)
      expect(bytes.encode('é\n').length).to.equal(3)
      for (const merges of [-1, 50_001, 1.5]) await rejection(gpt2TokenizerFiles(merges))
    })
  })

  for (const which of ['full', 'cut'] as const)
    describe(`decoding, ${which} vocabulary`, () => {
      const tokenizer = () => ({ full, cut })[which]

      it('gives back any text, well-formed', () => {
        fc.assert(
          fc.property(text, (given) => {
            const wellFormed = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
              new TextEncoder().encode(given),
            )
            expect(tokenizer().decode(tokenizer().encode(given))).to.equal(wellFormed)
          }),
          { numRuns: 500 },
        )
        const special = 'a<|endoftext|> , b .<|endoftext|'
        expect(tokenizer().decode(tokenizer().encode(special))).to.equal(special)
        expect(tokenizer().decode([])).to.equal('')
        expect(tokenizer().decode([64, 10 ** 6, 65])).to.equal('ab')
      })

      it('in a stream gives whole characters, and in the end the same text', () => {
        const ids = fc.array(fc.oneof(fc.nat(255), fc.nat(1256)), { maxLength: 30 })
        fc.assert(
          fc.property(
            fc.oneof(
              ids,
              text.map((given) => tokenizer().encode(given)),
            ),
            (given) => {
              const detokenizer = createDetokenizer(tokenizer())
              const pieces = [...given.map((id) => detokenizer.push(id)), detokenizer.flush()]
              expect(pieces.join('')).to.equal(tokenizer().decode(given))
            },
          ),
          { numRuns: 500 },
        )
        const detokenizer = createDetokenizer(tokenizer())
        const pieces = tokenizer()
          .encode('Oh,日🙂!')
          .map((id) => detokenizer.push(id))
        expect(pieces.filter((piece) => piece !== '').slice(-3)).to.deep.equal(['日', '🙂', '!'])
        expect(detokenizer.flush()).to.equal('')
      })
    })

  describe('of other kinds', () => {
    const component = (type: string, settings: object = {}) => ({ type, ...settings })
    const wordPiece = {
      added_tokens: [],
      normalizer: component('BertNormalizer', {
        lowercase: true,
        clean_text: true,
        handle_chinese_chars: true,
      }),
      pre_tokenizer: component('BertPreTokenizer'),
      post_processor: component('BertProcessing', { sep: ['[SEP]', 1], cls: ['[CLS]', 0] }),
      decoder: component('WordPiece', { prefix: '##', cleanup: false }),
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: { '[CLS]': 0, '[SEP]': 1, '[UNK]': 2, play: 3, '##ing': 4, '.': 5 },
      },
    }

    it('work as they describe themselves, without special tokens added', () => {
      const tokenizer = createTokenizer(wordPiece, { eos_token: { content: '[SEP]' } }, 't')
      expect(tokenizer).to.include({ vocabSize: 6, eosId: 1 })
      expect(tokenizer.encode('Playing. zzz')).to.deep.equal([3, 4, 5, 2])
      expect(tokenizer.decode([3, 4, 3])).to.equal('playing play')
      const detokenizer = createDetokenizer(tokenizer)
      expect([3, 4, 3].map((id) => detokenizer.push(id))).to.deep.equal(['play', 'ing', ' play'])
    })

    it('with added tokens that take blanks along are left to the library', () => {
      const mask = {
        id: 1257,
        content: '<mask>',
        lstrip: true,
        rstrip: false,
        single_word: false,
        special: true,
      }
      const json = { ...cutJson, added_tokens: [...cutJson.added_tokens, mask] }
      const tokenizer = createTokenizer(json, {}, 't')
      expect(tokenizer.encode('a  <mask> b')).to.deep.equal([64, 1257, ...cut.encode(' b')])
    })
  })

  describe('are refused in one sentence', () => {
    const changed = (model: object, rest: object = {}) => ({
      ...cutJson,
      ...rest,
      model: { ...cutJson.model, ...model },
    })
    const vocab = (changes: object) => changed({ vocab: { ...cutJson.model.vocab, ...changes } })
    const faults: Record<string, [() => unknown, RegExp]> = {
      'that are no object': [() => [], /^t: /],
      'without a model': [() => ({ ...cutJson, model: undefined }), /^t lacks the key model/],
      'of an unknown model': [() => changed({ type: 'Magic' }), /^t: model\.type: /],
      'without a vocabulary': [() => changed({ vocab: null }), /model\.vocab is not a vocabulary/],
      'with an id that is no number': [
        () => vocab({ a: 'b' }),
        /token "a" has the id "b", which is out of bounds/,
      ],
      'with a negative id': [() => vocab({ a: -1 }), /token "a" has the id -1/],
      'with an id that would exhaust the memory': [
        () => vocab({ a: 4e9 }),
        /token "a" has the id 4000000000/,
      ],
      'with two tokens of one id': [() => vocab({ a: 5 }), /tokens .* have the same id 5/],
      'with two ids for one token': [
        () => changed({}, { added_tokens: [{ id: 2000, content: '<|endoftext|>' }] }),
        /token "<\|endoftext\|>" has the ids 1256 and 2000/,
      ],
      'with a merge that is none': [() => changed({ merges: ['a b c'] }), /"a b c" is not a merge/],
      'with merges of two kinds': [() => changed({ merges: [['a', 'b'], 'a b'] }), /texts as well as pairs/],
      'with a merge of unknown tokens': [() => changed({ merges: ['a §§'] }), /merge "a §§" needs "§§"/],
      'with a merge into no token': [() => changed({ merges: ['q q'] }), /merge "q q" needs "qq"/],
      'with an unknown pre-tokenizer': [
        () => changed({}, { pre_tokenizer: { type: 'Magic' } }),
        /^t cannot be used: .*Magic/,
      ],
      'with a pattern that is none': [
        () =>
          changed(
            {},
            {
              pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false },
            },
          ),
        /^t cannot be used: /,
      ],
      'with an added token that is empty': [
        () => changed({}, { added_tokens: [{ id: 9, content: '' }] }),
        /^t: added_tokens\.0\.content: /,
      ],
    }
    for (const [name, [json, message]] of Object.entries(faults))
      it(name, () => {
        expect(() => createTokenizer(json(), {}, 't')).to.throw(UserError, message)
      })

    it('whose end of text is not a token', () => {
      const eos_token = '</s>'
      expect(() => createTokenizer(cutJson, { eos_token }, 't')).to.throw(UserError, /t has no token "<\/s>"/)
      expect(() => createTokenizer(cutJson, { eos_token: 7 }, 't')).to.throw(UserError, /eos_token/)
    })

    it('that are not there or not JSON', async () => {
      const error = await rejection(loadTokenizer(join(place, 'absent')))
      expect(error).to.be.instanceOf(UserError)
      expect(error.message).to.match(/absent does not exist/)
      writeFileSync(join(place, 'tokenizer_config.json'), '{')
      expect((await rejection(loadTokenizer(place))).message).to.match(
        /tokenizer_config\.json is not valid JSON/,
      )
    })

    it('whatever is changed in them', () => {
      const small = {
        ...changed({ vocab: { a: 0, b: 1, ab: 2, '<|endoftext|>': 3 }, merges: ['a b'] }),
        added_tokens: [{ id: 3, content: '<|endoftext|>', special: true }],
      }
      const paths = leaves(small)
      const anything = fc.oneof(fc.jsonValue(), fc.constantFrom('ByteLevel', 'Sequence', 'Unigram', 3))
      fc.assert(
        fc.property(fc.constantFrom(...paths), anything, (path, value) => {
          try {
            createTokenizer(replace(small, path, value), {}, 't').encode('ab')
          } catch (error) {
            expect(error).to.be.instanceOf(UserError)
          }
        }),
        { numRuns: 1000 },
      )
    })
  })
})

/** The paths to all values inside `value`. */
function leaves(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))].filter(
    (found) => found.length > 0,
  )
}

/** A copy of `root` with the value at `path` replaced. */
function replace(root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  const copy = structuredClone(root) as Record<string, unknown>
  copy[key] = replace(copy[key], rest, value)
  return copy
}
