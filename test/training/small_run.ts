/**
 * Supervised runs on the fixture model and a few dozen random examples.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { CausalLmTask } from '../../graphs/artifacts/causal_lm.ts'
import { evaluationGraph, trainableShapes, trainingGraph } from '../../graphs/artifacts/causal_lm.ts'
import { openArrowDataset } from '../../src/data/arrow_reader.ts'
import { writeArrowDataset } from '../../src/data/arrow_writer.ts'
import type { EncodedExample } from '../../src/data/encode.ts'
import { NO_LOSS } from '../../src/data/encode.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { loraScale } from '../../src/generation/adapter_inputs.ts'
import { createRandom } from '../../src/random.ts'
import type { ParameterMemory } from '../../src/runtime/parameter_memory.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { Feeds, Session } from '../../src/runtime/session.ts'
import type { TrainingOptions } from '../../src/training/options.ts'
import { trainingOptionsSchema } from '../../src/training/options.ts'
import type { EvaluationRecord, StepRecord } from '../../src/training/progress.ts'
import type { SupervisedRun } from '../../src/training/supervised.ts'
import { trainSupervised } from '../../src/training/supervised.ts'
import type { TrainerState } from '../../src/training/trainer_state.ts'
import { initialState } from '../../src/training/trainer_state.ts'
import { fixture, fixtureModel } from '../graphs/gpt2_fixtures.ts'

const VOCABULARY = 97

/** Examples of 3 to 20 tokens, of which the first 1 to 6 carry no loss. */
export function randomExamples(count: number, name: string): EncodedExample[] {
  const { integer } = createRandom('small run', name)
  return Array.from({ length: count }, () => {
    const length = 3 + integer(18)
    const prompt = 1 + integer(Math.min(6, length - 2))
    const input_ids = Int32Array.from({ length }, () => integer(VOCABULARY))
    return { input_ids, labels: input_ids.map((id, t) => (t < prompt ? NO_LOSS : id)) }
  })
}

/** What a run did. */
export interface Outcome {
  readonly state: TrainerState
  readonly steps: readonly StepRecord[]
  readonly evaluations: readonly EvaluationRecord[]
  /** Which checkpoints were written, with the step each was written at, in order. */
  readonly saved: readonly { readonly name: string; readonly step: number }[]
  readonly memory: ParameterMemory
}

export interface SmallRuns {
  readonly training: Session
  readonly evaluation: Session
  /** A fresh memory with the initial tensors. */
  readonly memory: (accumulate?: boolean) => ParameterMemory
  readonly constants: Feeds
  readonly dataset: (name: string, examples: readonly EncodedExample[]) => Promise<SupervisedRun['trainData']>
  readonly train: (
    options: Partial<TrainingOptions>,
    data: Pick<SupervisedRun, 'trainData' | 'validationData'>,
    changes?: Partial<SupervisedRun>,
  ) => Promise<Outcome>
  readonly release: () => Promise<void>
}

/** Opens the graphs of LoRA or full fine-tuning on the fixture model. */
export async function openSmallRuns(kind: 'lora' | 'full'): Promise<SmallRuns> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-training-'))
  const model = await fixtureModel()
  const { task, initial, constants } = await setup(kind, model)
  const training = await model.open(trainingGraph(task))
  const evaluation = await model.open(evaluationGraph(task))
  const open: SupervisedRun['trainData'][] = []

  const memory = (accumulate = false): ParameterMemory => {
    const created = createParameterMemory(trainableShapes(task), { accumulate })
    for (const name of created.names) created.views(name).parameter.set(initial.get(name)!.data)
    return created
  }

  async function dataset(name: string, examples: readonly EncodedExample[]) {
    const path = join(folder, `${name}.arrow`)
    await writeArrowDataset(path, { fingerprint: name, vocabularySize: VOCABULARY, maxLength: 32 }, examples)
    open.push(openArrowDataset(path))
    return open.at(-1)!
  }

  const train: SmallRuns['train'] = async (given, data, changes = {}) => {
    const options = trainingOptionsSchema.parse(given)
    const steps: StepRecord[] = []
    const evaluations: EvaluationRecord[] = []
    const saved: { name: string; step: number }[] = []
    const run: SupervisedRun = {
      options,
      training,
      evaluation,
      memory: memory(options.gradient_accumulation_steps > 1),
      constants,
      state: initialState,
      save: async (name, { global_step }) => void saved.push({ name, step: global_step }),
      log: (record) => ('loss' in record ? steps.push(record) : evaluations.push(record)),
      ...data,
      ...changes,
    }
    const state = await trainSupervised(run)
    return { state, steps, evaluations, saved, memory: run.memory }
  }

  async function release(): Promise<void> {
    for (const dataset of open) dataset.close()
    await training.release()
    await evaluation.release()
    await rm(folder, { recursive: true })
  }
  return { training, evaluation, memory, constants, dataset, train, release }
}

async function setup(
  kind: 'lora' | 'full',
  model: CausalLmTask,
): Promise<{ task: CausalLmTask; initial: ReadonlyMap<string, FloatTensor>; constants: Feeds }> {
  if (kind === 'full')
    return { task: model, initial: await readTensors(fixture('model', 'model.safetensors')), constants: {} }
  const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'attention'))
  return { task: { ...model, lora }, initial: tensors, constants: loraScale(lora.lora_alpha / lora.r) }
}
