import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { decodingGraph, inferenceGraph } from '../../graphs/inference/generation.ts'
import { factsOf } from '../../graphs/models/family.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { LLAMA_TYPES } from '../../graphs/models/llama_config.ts'
import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { mergeAdapter } from '../../src/exports/merge.ts'
import type { PeftAdapter } from '../../src/formats/peft.ts'
import { readPeftAdapter, writePeftAdapter } from '../../src/formats/peft.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { createDecoder } from '../../src/generation/decoder.ts'
import { generate } from '../../src/generation/generate.ts'
import { greedy } from '../../src/generation/sampling.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { gradientTargets, parameterFeeds } from '../training/memory.ts'
import { inferenceFeeds, largestDifference, relativeDifference, trainingFeeds } from './gpt2_fixtures.ts'
import type { LlamaFixture } from './llama_fixtures.ts'
import { llamaFixture, llamaModel } from './llama_fixtures.ts'

/** transformers takes the angles of positions in float32, whatever the model is of. */
const TOLERANCE = 5e-5

for (const type of LLAMA_TYPES)
  describe(`${type} against transformers and PEFT`, () => {
    let model: LlamaFixture
    let adapter: PeftAdapter
    before(async () => {
      model = await llamaModel(type)
      adapter = await readPeftAdapter(llamaFixture(type, 'adapter'))
    })

    /** Logits are stored as 0 at pads, where they mean nothing. */
    const atTokens = (logits: ArrayLike<number>): number[] => {
      const mask = model.reference.batches[0]!.attention_mask.flat()
      const width = logits.length / mask.length
      return Array.from(logits).filter((_, i) => mask[Math.floor(i / width)] === 1)
    }
    const scale = () => loraScale(adapter.lora_alpha / adapter.r)

    async function expectLogits(graph: ReturnType<typeof inferenceGraph>, fed: Feeds, name: string) {
      const session = await model.open(graph)
      const { logits } = await session.run({
        ...inferenceFeeds(model.reference.batches[0]!, model.config),
        ...fed,
      })
      await session.release()
      const wanted = atTokens(model.expected.get(name)!.data)
      expect(largestDifference(atTokens(logits!.data as Float32Array), wanted)).to.be.at.most(TOLERANCE)
    }

    it('has the logits of the model, with an adapter beside it, and with the adapter merged', async () => {
      const { config, stored, tensors } = model
      await expectLogits(inferenceGraph({ config, stored }), {}, 'logits')
      const fed = { ...tensorFeeds(adapter.tensors), ...scale() }
      await expectLogits(inferenceGraph({ config, stored, lora: adapter }), fed, 'adapted_logits')
      const merged = tensorFeeds(mergeAdapter(await readStored(tensors), adapter))
      await expectLogits(inferenceGraph({ config }), merged, 'adapted_logits')
    })

    it("has every gradient of the adapter, and PEFT's curve of AdamW steps", async () => {
      const { reference, expected } = model
      const task = { config: model.config, stored: model.stored, lora: adapter }
      const session = await model.open(sftTrainingGraph(task))
      const memory = createParameterMemory(languageModelTrainable(task))
      for (const name of memory.names) memory.views(name).parameter.set(adapter.tensors.get(name)!.data)
      const fed = { ...parameterFeeds(memory), ...scale() }
      const losses: number[] = []
      for (let step = 0; step < reference.curve.length; step++) {
        const batch = reference.batches[step % reference.batches.length]!
        const { loss } = await session.run(
          { ...trainingFeeds(batch), ...fed },
          { into: gradientTargets(memory) },
        )
        losses.push(loss!.data[0] as number)
        if (step === 0)
          for (const name of memory.names)
            expect(
              relativeDifference(memory.views(name).gradient, expected.get(name)!.data),
              name,
            ).to.be.at.most(TOLERANCE)
        memory.step({
          ...{ learningRate: 5e-3, step: step + 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
          ...{ weightDecay: 0.01, maxGradNorm: 1 },
        })
      }
      await session.release()
      expect(losses.at(-1)).to.be.below(0.8 * losses[0]!)
      expect(largestDifference(losses, reference.curve)).to.be.at.most(3e-4)
    })

    it('writes the same tokens with a cache as transformers from all of the text', async () => {
      const { config, stored, reference } = model
      const session = await model.open(decodingGraph({ config, stored }))
      const facts = factsOf(config)
      const max_new_tokens = reference.greedy[0]!.length
      const options = { ...greedy, max_new_tokens, stop_tokens: [], seed: 1 }
      const written = await generate(createDecoder(session, facts), reference.prompts, facts.context, options)
      await session.release()
      expect(written).to.deep.equal(reference.greedy)
    })

    it('writes an adapter as PEFT does', async () => {
      const place = await mkdtemp(join(tmpdir(), 'ortune-llama-'))
      try {
        await writePeftAdapter(join(place, 'adapter'), adapter)
        const again = await readPeftAdapter(join(place, 'adapter'))
        expect(again.tensors).to.deep.equal(adapter.tensors)
        const config = async (folder: string) =>
          JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>
        const [ours, theirs] = [
          await config(join(place, 'adapter')),
          await config(llamaFixture(type, 'adapter')),
        ]
        for (const key of ['r', 'lora_alpha', 'fan_in_fan_out', 'peft_type', 'task_type', 'bias'])
          expect(ours[key], key).to.deep.equal(theirs[key])
      } finally {
        await rm(place, { recursive: true })
      }
    })
  })
