import { expect } from 'chai'
import fc from 'fast-check'

import { splitWords } from '../../src/metrics/words.ts'
import { anyText } from './helpers.ts'

describe('splitting into words', () => {
  it('puts words, punctuation, ideographs and emoji apart', () => {
    const cases: [string, string][] = [
      ['', ''],
      [' \t\n\u00a0', ''],
      ['The cat, the dog.', 'the cat , the dog .'],
      ["Don't! 'Tis the dogs' o’clock", "don't ! ' tis the dogs ' o’clock"],
      ['3.5% of 1,200 e-mails…', '3 . 5 % of 1 , 200 e - mails …'],
      ['Cafe\u0301 NAÏVE Straße', 'café naïve straße'],
      ['我喜欢苹果。', '我 喜 欢 苹 果 。'],
      ['東京タワーabc', '東 京 タ ワ ー abc'],
      ['고양이가 앉았다', '고양이가 앉았다'],
      ['Привет, мир!', 'привет , мир !'],
      ['नमस्ते दुनिया', 'नमस्ते दुनिया'],
      ['😀😀 ok❤️👩‍🚀', '😀 😀 ok ❤️ 👩 🚀'],
      ['zero\u200bwidth', 'zero width'],
      ['\u0301', '\u0301'],
    ]
    for (const [text, words] of cases)
      expect(splitWords(text), text).to.deep.equal(words === '' ? [] : words.split(' '))
  })

  it('loses and adds nothing but white space and invisible characters', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const visible = text
          .toLowerCase()
          .normalize('NFC')
          .replace(/[\p{White_Space}\p{Cc}\p{Cf}]/gu, '')
        const words = splitWords(text)
        expect(words.join('')).to.equal(visible)
        expect(words).not.to.include('')
        expect(splitWords(words.join(' '))).to.deep.equal(words)
      }),
    )
  })
})
