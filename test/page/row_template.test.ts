import { expect } from 'chai'

import { fieldsOf, isOfFields, templateToEdit, withFields } from '../../page/train/row_template.ts'
import { checkTemplate, rowParts } from '../../page/worker/row_templates.ts'

describe('the template of a row on the page', () => {
  const reviews = ['good', 'bad', 'good', 'bad'].map((sentiment, i) => ({
    review: `A film, the ${i}th.`,
    sentiment,
  }))
  const posts = reviews.map(({ review }, i) => ({ title: `Post ${i}`, 'The body': review }))

  it('is guessed by what columns hold', () => {
    expect(rowParts(reviews, 'classification')).to.deep.equal({
      columns: ['{{ review }}', '{{ sentiment }}'],
      template: { text: '{{ review }}', label: '{{ sentiment }}' },
    })
    expect(rowParts(posts, 'sft')).to.deep.equal({
      columns: ['{{ title }}', '{{ row["The body"] }}'],
      template: { prompt: '{{ title }}', completion: ' {{ row["The body"] }}<|endoftext|>' },
    })
    expect(rowParts([{ text: 'Tell me.' }], 'prompt').template).to.deep.equal({ prompt: '{{ text }}' })
  })

  it('is what known columns tell', () => {
    expect(rowParts([{ text: 'a', label: 'b' }], 'classification').template).to.deep.equal({
      text: '{{ text }}',
      label: '{{ label }}',
    })
  })

  it('begins with the columns in their order where nothing is guessed', () => {
    const pairs = rowParts([{ question: 'a', good: 'b', bad: 'c' }], 'preference')
    expect(pairs.template).to.equal(undefined)
    expect(templateToEdit('dpo', pairs.template, pairs.columns)).to.deep.equal({
      prompt: '{{ question }}',
      chosen: ' {{ good }}<|endoftext|>',
      rejected: ' {{ bad }}<|endoftext|>',
    })
    expect(templateToEdit('dpo', undefined, ['{{ good }}', '{{ bad }}'])).to.have.keys('chosen', 'rejected')
  })

  it('takes what is filled in, leaves out what is empty, and keeps other keys', () => {
    const begun = { text: '{{ text }}<|endoftext|>', requires: ['text'] }
    expect(fieldsOf('sft', begun)).to.deep.equal({ prompt: '', completion: '', text: begun.text })
    expect(withFields('sft', begun, { prompt: 'Go on:', completion: ' {{ text }}', text: '' })).to.deep.equal(
      { prompt: 'Go on:', completion: ' {{ text }}', requires: ['text'] },
    )
  })

  it('has no fields for chats, nor for several templates at once', () => {
    expect(isOfFields({ user: '', assistant: '' })).to.equal(false)
    expect(isOfFields([{ text: '' }] as never)).to.equal(false)
    expect(isOfFields({ prompt: '' })).to.equal(true)
  })

  it('must have what the task learns from', () => {
    const label = { text: '{{ review }}', label: '{{ sentiment }}' }
    expect(checkTemplate(label, {}, 'classification', 'mine.csv')).to.deep.equal(label)
    for (const given of [{}, { text: '{{ review }}' }, { completion: 'a' }, { text: 'a', label: 1 }]) {
      expect(() => checkTemplate(given, {}, 'classification', 'mine.csv')).to.throw(
        /^mine\.csv: an example is made of text and label; fill these in/,
      )
    }
  })

  it('is asked for, by the columns, where none is given', () => {
    expect(() => checkTemplate(undefined, reviews[0]!, 'classification', 'mine.csv')).to.throw(
      /^mine\.csv: its columns \(review, sentiment\).*"How rows become examples"/,
    )
  })
})
