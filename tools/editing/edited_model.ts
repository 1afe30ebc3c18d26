/**
 * A model with an adapter that edits change, and all that is asked of it.
 * @module
 */
import { continueAll } from '../../src/generation/continue_all.ts'
import { greedy } from '../../src/generation/sampling.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { countLabelled, NO_LOSS } from '../../src/data/examples/encode.ts'
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import { mapByLength } from '../../src/generation/by_length.ts'
import type { FoundModel } from '../../src/models/find_model.ts'
import { openTokenGenerator } from '../../src/models/open_token_generator.ts'
import { openFoundModel } from '../../src/models/open_found_model.ts'
import type { AdapterTensors, Learner, StartingAdapter } from '../../src/runs/lessons/learner.ts'
import { openLearner } from '../../src/runs/lessons/learner.ts'
import { createClosing } from '../../src/runtime/closing.ts'
import { adaptersOff, loraScale, takenBy } from '../../src/runtime/feeds.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { Feeds, Tensors } from '../../src/runtime/session.ts'
import type { OptimizerStep } from '../../src/runtime/training_state.ts'
import { asLanguageModel } from '../../src/tasks/language_model.ts'
import { distance } from './distance.ts'
import { distillationGraph, logitsGraph } from './distillation_graph.ts'
import { logProbability } from './distributions.ts'

/** What the model expects where each of an example's labels is predicted, [labelled, vocabulary]. */
export type Expected = Float32Array

export interface EditedModel extends Pick<Learner, 'lora' | 'snapshot' | 'gradients'> {
  readonly tokenizer: Learner['generator']['tokenizer']
  /** Begins anew with an adapter. */
  begin(tensors: AdapterTensors): Promise<void>
  /** Adds to lora_B. */
  add(tensors: AdapterTensors, strength: number): Promise<void>
  /** What the optimizer keeps becomes 0, so that an edit depends on the adapter and its text alone. */
  forgetSteps(): Promise<void>
  step(settings: OptimizerStep): Promise<void>
  /** Here and below, `asItWas` asks the model without its adapter. */
  expects(examples: readonly EncodedExample[], asItWas?: boolean): Promise<Expected[]>
  /** log p of each example's labelled tokens, in nats. */
  logProbabilities(examples: readonly EncodedExample[], asItWas?: boolean): Promise<number[]>
  /** Fills the gradients of the mean KL(teacher‖model) per labelled token, of all examples in a row; returns it. */
  distil(examples: readonly EncodedExample[], teacher: Expected): Promise<number>
  /** What the model writes of its own after each prompt, token by token the likeliest. */
  answers(prompts: readonly string[], maxNewTokens: number, asItWas?: boolean): Promise<string[]>
  /** Texts drawn after a prompt by the model as it was. */
  drawn(prompt: readonly number[], count: number, maxNewTokens: number, seed: number): Promise<number[][]>
  /** ‖ΔW‖_F of all adapted matrices. */
  distance(): Promise<number>
  release(): Promise<void>
}

const BATCH = 32

export async function openEditedModel(found: FoundModel, start: StartingAdapter): Promise<EditedModel> {
  const runtime = nodeRuntime({ threads: 1 })
  const closing = createClosing()
  const learner = closing.add(await openLearner(found, start, runtime))
  const original = closing.add(await openTokenGenerator({ base: found.base }, runtime))
  const { lora, tensors, generator } = learner
  const { tokenizer, context } = generator
  const scale = lora.lora_alpha / lora.r
  const feeds: Tensors = { ...tensors.parameters, ...loraScale(scale) }
  const open = async (build: typeof logitsGraph) => {
    const model = await openFoundModel(
      { base: found.base },
      (request) => build({ ...asLanguageModel(request), lora }),
      runtime,
    )
    closing.add(model.session)
    return { session: model.session, parameters: { ...model.parameters, ...feeds } }
  }
  const logits = await open(logitsGraph)
  const distillation = await open(distillationGraph)
  const rowsOf = (examples: readonly EncodedExample[]): Feeds =>
    collate(
      examples.map((example) => [example]),
      { total: totalLabelled(examples) },
    )
  const withLength = (examples: readonly EncodedExample[]) =>
    examples.map((example) => ({ example, length: example.input_ids.length }))

  /** Maps what the model expects of each example. */
  const each = <T>(
    examples: readonly EncodedExample[],
    asItWas: boolean,
    map: (expected: Expected, example: EncodedExample) => T,
  ): Promise<T[]> =>
    mapByLength(withLength(examples), BATCH, async (some) => {
      const batch = some.map(({ example }) => example)
      const { session, parameters } = logits
      const given = { ...rowsOf(batch), ...(asItWas ? adaptersOff(parameters) : parameters) }
      const { logits: all } = await session.run(takenBy(session, given))
      const vocabulary = all!.dims[1]!
      let at = 0
      return batch.map((example) => {
        const end = at + countLabelled(example) * vocabulary
        const expected = (all!.data as Float32Array).subarray(at, end)
        at = end
        return map(expected, example)
      })
    })

  return {
    ...{ tokenizer, lora },
    snapshot: () => learner.snapshot(),
    gradients: (...given) => learner.gradients(...given),
    begin: (wanted) => learner.restore(wanted),
    async add(update, strength) {
      for (const name of tensors.names) {
        if (!name.endsWith('.lora_B.weight')) continue
        const more = update.get(name)!.data
        const b = await tensors.read(name, 'parameter')
        await tensors.write(
          name,
          'parameter',
          b.map((value, i) => value + strength * more[i]!),
        )
      }
    },
    async forgetSteps() {
      for (const name of tensors.names)
        for (const slot of tensors.slots(name))
          await tensors.write(name, slot, new Float32Array((await tensors.read(name, slot)).length))
    },
    step: async (settings) => void (await tensors.step(settings)),
    expects: (examples, asItWas = false) => each(examples, asItWas, (expected) => expected.slice()),
    logProbabilities: (examples, asItWas = false) =>
      each(examples, asItWas, (expected, { labels, input_ids }) => {
        const answered = input_ids.filter((_, t) => t > 0 && labels[t] !== NO_LOSS)
        return logProbability(expected, answered)
      }),
    async distil(examples, teacher) {
      const { session, parameters } = distillation
      const total = totalLabelled(examples)
      const given = {
        ...rowsOf(examples),
        ...parameters,
        teacher: float32([total, teacher.length / total], teacher),
      }
      const { loss } = await session.run(takenBy(session, given), { into: tensors.gradients })
      return loss!.data[0] as number
    },
    async answers(prompts, maxNewTokens, asItWas = false) {
      const written = await continueAll(
        asItWas ? original : generator,
        prompts.map((prompt) => encodeText(tokenizer, prompt)),
        { sampling: greedy, maxNewTokens, seed: 0, batch: BATCH },
      )
      return written.map(({ tokens }) => tokenizer.decode(tokens).trim())
    },
    async drawn(prompt, count, maxNewTokens, seed) {
      const max_new_tokens = Math.min(maxNewTokens, context - prompt.length)
      const prompts = Array.from({ length: count }, () => prompt)
      return original.generate(prompts, { ...greedy, do_sample: true, max_new_tokens, seed })
    },
    distance: async () => distance(await learner.snapshot(), scale),
    release: () => closing.close(),
  }
}

const float32 = (dims: readonly number[], data: Float32Array) => ({ dtype: 'float32' as const, dims, data })
