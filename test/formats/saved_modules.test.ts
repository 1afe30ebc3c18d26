import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { serialize } from '../../graphs/ir/serialize.ts'
import { languageModelShapes } from '../../graphs/models/language_model.ts'
import type { LanguageModel } from '../../graphs/models/language_model.ts'
import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import { collate } from '../../src/data/batches/collate.ts'
import { mergeAdapter, untied } from '../../src/exports/merge.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import { readPeftAdapter, writePeftAdapter } from '../../src/formats/peft.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { adapterInputs } from '../../src/models/adapter_inputs.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { takenBy } from '../../src/runtime/feeds.ts'
import { largestDifference, numbersOf } from '../graphs/gpt2_fixtures.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'peft')

/** The negative log-likelihood of each token but the first. */
async function nllOf(
  model: LanguageModel,
  tokens: readonly number[],
  feeds: Feeds,
): Promise<ArrayLike<number>> {
  const session = await openNodeSession(serialize(sftEvaluationGraph(model)))
  const input_ids = Int32Array.from(tokens)
  const batch = collate([[{ input_ids, labels: input_ids }]], { total: tokens.length - 1 })
  const { nll } = numbersOf(await session.run(takenBy(session, { ...batch, ...feeds })))
  await session.release()
  return nll!
}

describe('modules that are trained whole beside an adapter', () => {
  for (const name of ['saved_embedding', 'saved_head'])
    describe(name, () => {
      const folder = join(fixtures, name)
      const base = async () => {
        const { config, tensors } = await openModelFolder(join(fixtures, 'base'), languageModelShapes)
        return { config, weights: await readStored(tensors) }
      }
      const expected = JSON.parse(readFileSync(join(folder, 'nll.json'), 'utf8')) as {
        tokens: number[]
        nll: number[]
      }

      it('are read, and compute what PEFT computes', async () => {
        const { config, weights } = await base()
        const { lora, feeds } = adapterInputs(config, await readPeftAdapter(folder), folder)
        const nll = await nllOf({ config, lora }, expected.tokens, { ...tensorFeeds(weights), ...feeds })
        expect(largestDifference(nll, expected.nll)).to.be.below(1e-5)
      })

      it('are merged, a tied head into a model whose head is its own', async () => {
        const { config: tied, weights } = await base()
        const merged = mergeAdapter(weights, await readPeftAdapter(folder))
        const { config, tensors } = untied(tied, weights, merged)
        expect(config).to.include({ tie_word_embeddings: false })
        const nll = await nllOf({ config }, expected.tokens, tensorFeeds(tensors))
        expect(largestDifference(nll, expected.nll)).to.be.below(1e-5)
      })

      it('are written as PEFT writes them', async () => {
        const place = await mkdtemp(join(tmpdir(), 'ortune-saved-'))
        await writePeftAdapter(place, await readPeftAdapter(folder))
        const [ours, theirs] = [place, folder].map((where) => ({
          config: JSON.parse(readFileSync(join(where, 'adapter_config.json'), 'utf8')) as object,
          weights: readFileSync(join(where, 'adapter_model.safetensors')),
        }))
        await rm(place, { recursive: true })
        expect(theirs!.config).to.deep.include(ours!.config)
        expect(ours!.weights.equals(theirs!.weights)).to.equal(true)
      })
    })

  it('leave a model with no copies tied', async () => {
    const { config, tensors } = await openModelFolder(join(fixtures, 'base'), languageModelShapes)
    const weights = await readStored(tensors)
    const merged = mergeAdapter(weights, await readPeftAdapter(join(fixtures, 'listed')))
    expect(untied(config, weights, merged)).to.deep.equal({ config, tensors: merged })
  })
})
