import { expect } from 'chai'

import type { Decoder } from '../../src/generation/decoder.ts'
import { createTokenGenerator } from '../../src/generation/token_generator.ts'
import { greedy } from '../../src/generation/sampling.ts'
import { byteTokenizer } from '../data/helpers.ts'

/** A model of 300 ids, of which the tokenizer has 257: it likes the last best, then the letter b, then the letter a. */
function paddedModel(): Decoder {
  const logits = () => {
    const row = new Float32Array(300)
    row[299] = 9
    row[98] = 3
    row[97] = 2
    return row
  }
  return {
    forget: () => {},
    keep: () => Promise.resolve(),
    prefill: (prompts) => Promise.resolve(prompts.map(logits)),
    step: (tokens) => Promise.resolve(tokens.map(logits)),
  }
}

const parts = {
  decoder: paddedModel(),
  tokenizer: byteTokenizer,
  context: 64,
  release: () => Promise.resolve(),
}

describe('ids that no token has', () => {
  it('are never written', async () => {
    const generator = createTokenGenerator(parts)
    const options = { ...greedy, max_new_tokens: 3, seed: 1 }
    expect(await generator.generate([[97], [98]], options)).to.deep.equal([
      [98, 98, 98],
      [98, 98, 98],
    ])
    const drawn = await generator.generate([[97]], {
      ...options,
      do_sample: true,
      temperature: 2,
      top_k: 2,
      max_new_tokens: 40,
    })
    expect([...new Set(drawn[0])].sort()).to.deep.equal([97, 98])
  })

  it('end a text where the model says so', async () => {
    const generator = createTokenGenerator({
      ...parts,
      config: { endsOfText: [299], defaults: {}, unfollowed: {} },
    })
    expect(await generator.generate([[97]], { ...greedy, max_new_tokens: 3, seed: 1 })).to.deep.equal([[]])
  })
})
