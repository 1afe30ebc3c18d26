import { expect } from 'chai'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { dropoutNote } from '../../src/report/dropout_note.ts'
import { tinyBert } from '../graphs/tiny_bert.ts'
import { tiny } from '../graphs/tiny_gpt2.ts'

const noteOf = (config: ModelConfig, keys: object) => dropoutNote({ ...config, ...keys })

describe('dropout of a config.json', () => {
  it('is said not to be applied, key by key', () => {
    expect(noteOf(tiny, { attn_pdrop: 0.5, embd_pdrop: 0, resid_pdrop: 0.1 })).to.match(
      /asks for dropout \(attn_pdrop 0\.5, resid_pdrop 0\.1\), which this run does not apply.*sft and classification/,
    )
    expect(noteOf(tinyBert, { hidden_dropout_prob: 0.2, classifier_dropout: null })).to.match(
      /dropout \(hidden_dropout_prob 0\.2\)/,
    )
  })

  it('is passed over where the run applies it, or there is none', () => {
    expect(dropoutNote({ ...tiny, attn_pdrop: 0.5 }, { dropout: 'model' })).to.equal('')
    for (const keys of [{}, { attn_pdrop: 0 }, { resid_pdrop: null }, { hidden_dropout_prob: 0.1 }])
      expect(noteOf(tiny, keys), JSON.stringify(keys)).to.equal('')
  })
})
