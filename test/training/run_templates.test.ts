import { expect } from 'chai'

import { writingTemplate } from '../../src/data/kinds/index.ts'

describe('training/run_templates', () => {
  it('makes of any template what a model writes, of a pair the preferred answer', () => {
    const completion = { prompt: '{{ p }}', completion: '{{ c }}' }
    const chat = { user: 'U{{ content }}', assistant: 'A{{ content }}', system: 'S{{ content }}' }
    const pair = { chosen: '{{ c }}', rejected: '{{ r }}', margin: '{{ m }}' }
    expect(writingTemplate(completion)).to.deep.equal(completion)
    expect(writingTemplate({ text: '{{ t }}' })).to.deep.equal({ text: '{{ t }}' })
    expect(writingTemplate({ ...pair, prompt: '{{ p }}' })).to.deep.equal(completion)
    expect(writingTemplate(pair)).to.deep.equal({ text: '{{ c }}' })
    expect(
      writingTemplate({ ...chat, messages: 'prompt', chosen: 'chosen', rejected: 'rejected' }),
    ).to.deep.equal({
      ...chat,
      messages: 'prompt',
    })
    expect(writingTemplate({ prompt: '{{ p }}' })).to.deep.equal({ prompt: '{{ p }}', completion: '' })
    expect(writingTemplate({ text: '{{ t }}', label: '{{ l }}' })).to.equal(undefined)
  })
})
