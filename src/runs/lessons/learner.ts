/**
 * A language model with an adapter that may change while the model is open: all its graphs are fed the same tensors.
 * @module
 */
import { plasticTensors } from '../../../graphs/optimizers/plastic.ts'
import type { LoraConfig } from '../../../graphs/models/lora_config.ts'
import { adapterScale } from '../../../graphs/models/lora_config.ts'
import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import { factsOf } from '../../../graphs/models/family.ts'
import { sftEvaluationGraph, sftTrainingGraph } from '../../../graphs/tasks/sft.ts'
import { collate, totalLabelled } from '../../data/batches/collate.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import { countLabelled } from '../../data/examples/encode.ts'
import { readModelConfig } from '../../formats/model_config.ts'
import type { FloatTensor } from '../../formats/safetensors.ts'
import type { TokenGenerator } from '../../generation/token_generator.ts'
import { defaultLearningRate } from '../../learning/default_rate.ts'
import type { FoundModel } from '../../models/find_model.ts'
import { openFoundModel } from '../../models/open_found_model.ts'
import { openTokenGenerator } from '../../models/open_token_generator.ts'
import { createClosing } from '../../runtime/closing.ts'
import { loraScale } from '../../runtime/feeds.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { TrainingState } from '../../runtime/training_state.ts'
import { asLanguageModel } from '../../tasks/language_model.ts'

/** An adapter's tensors under the names of the graphs' inputs. */
export type AdapterTensors = ReadonlyMap<string, FloatTensor>

export interface StartingAdapter extends LoraConfig {
  readonly tensors: AdapterTensors
}

export interface Learner {
  readonly generator: TokenGenerator
  readonly lora: LoraConfig
  /** The adapter, with what AdamW and the plastic update keep of it. */
  readonly tensors: TrainingState
  /** The one that suits adapters of a model of this width. */
  readonly learningRate: number
  /** log p of an example's labelled tokens, in nats. */
  logProbability(example: EncodedExample): Promise<number>
  /** exp of the mean negative log-likelihood per labelled token of all examples. */
  perplexity(examples: readonly EncodedExample[]): Promise<number>
  /** Fills the gradients of nll(example) + weight·nll(others), both means over labelled tokens; returns that loss. */
  gradients(example: EncodedExample, others: readonly EncodedExample[], weight: number): Promise<number>
  /** A copy of the adapter. */
  snapshot(): Promise<AdapterTensors>
  /** Puts an adapter in the place of the one that is there; the optimizer begins anew. */
  restore(tensors: AdapterTensors): Promise<void>
  release(): Promise<void>
}

/** Examples that are judged together. */
const BATCH = 16

/**
 * Opens a model with an adapter of its own.
 *
 * @param found its own adapter is left aside
 * @throws UserError where the model cannot be opened, or writes no text
 */
export async function openLearner(
  found: FoundModel,
  { tensors: start, ...lora }: StartingAdapter,
  runtime: Runtime,
): Promise<Learner> {
  const { base } = found
  const config = await readModelConfig(base)
  const shapes = languageModelTrainable({ config, lora })
  // Several sessions take turns, and share the file of the frozen weights.
  const sharing: Runtime = {
    ...runtime,
    open: (model, options) => runtime.open(model, { ...options, prepacking: false, spinning: false }),
  }
  const closing = createClosing()
  try {
    const traced = new Set(plasticTensors(config, shapes).keys())
    const tensors = closing.add(await runtime.state(shapes, { traced }))
    const feeds = { ...tensors.parameters, ...loraScale(adapterScale(lora)) }
    const generator = closing.add(await openTokenGenerator(found, sharing, { lora, feeds }))
    const open = async (build: typeof sftTrainingGraph) => {
      const model = await openFoundModel(
        { base },
        (request) => build({ ...asLanguageModel(request), lora }),
        sharing,
      )
      closing.add(model.session)
      return { session: model.session, parameters: { ...model.parameters, ...feeds } }
    }
    const training = await open(sftTrainingGraph)
    const evaluation = await open(sftEvaluationGraph)
    const learner: Learner = {
      generator,
      lora,
      tensors,
      learningRate: defaultLearningRate('adapters', factsOf(config).width),
      async logProbability(example) {
        const { session, parameters } = evaluation
        const batch = collate([[example]], { total: countLabelled(example) })
        const { nll } = await session.run({ ...batch, ...parameters }, { outputs: ['nll'] })
        return -(nll!.data as Float32Array).reduce((sum, value) => sum + value, 0)
      },
      async perplexity(examples) {
        const { session, parameters } = evaluation
        let sum = 0
        for (let at = 0; at < examples.length; at += BATCH) {
          // With total 1 each label weighs 1: the loss is a sum.
          const batch = collate(
            examples.slice(at, at + BATCH).map((example) => [example]),
            { total: 1 },
          )
          const { loss } = await session.run({ ...batch, ...parameters }, { outputs: ['loss'] })
          sum += loss!.data[0] as number
        }
        return Math.exp(sum / totalLabelled(examples))
      },
      async gradients(example, others, weight) {
        const batch = collate([[example], ...others.map((other) => [other])], { total: 1 })
        const [taught, rest] = [countLabelled(example), totalLabelled(others)]
        const weights = (batch['label_weights']!.data as Float32Array).fill(1 / taught)
        weights.fill(weight / rest, taught)
        const { loss } = await training.session.run(
          { ...batch, ...training.parameters },
          { into: tensors.gradients },
        )
        return loss!.data[0] as number
      },
      async snapshot() {
        const copy = new Map<string, FloatTensor>()
        for (const name of tensors.names)
          copy.set(name, {
            shape: tensors.shape(name),
            data: (await tensors.read(name, 'parameter')).slice(),
          })
        return copy
      },
      async restore(wanted) {
        for (const name of tensors.names) {
          await tensors.write(name, 'parameter', wanted.get(name)!.data)
          for (const slot of tensors.slots(name))
            await tensors.write(name, slot, new Float32Array(wanted.get(name)!.data.length))
        }
      },
      release: () => closing.close(),
    }
    await learner.restore(start)
    return learner
  } catch (error) {
    await closing.close()
    throw error
  }
}
