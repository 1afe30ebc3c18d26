/**
 * Runs of gradient descent on the fixture model and a few dozen random examples.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { LanguageModel } from '../../graphs/models/language_model.ts'
import { sftEvaluationGraph, sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import type { DataSet } from '../../src/data/sets/data_set.ts'
import { openArrowDataset, writeArrowDataset } from '../../src/data/sets/arrow_file.ts'
import type { Layout } from '../../src/data/sets/layouts.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { createRandom } from '../../src/random.ts'
import { hostState } from '../../src/runtime/host_state.ts'
import type { ParameterMemory } from '../../src/runtime/parameter_memory.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { Feeds, Session, Tensors } from '../../src/runtime/session.ts'
import { sftObjective, evaluateSft } from '../../src/tasks/sft.ts'
import type { TrainingOptions } from '../../src/learning/options.ts'
import { trainingOptionsSchema } from '../../src/learning/options.ts'
import type { EvaluationRecord, Metrics, StepRecord } from '../../src/learning/listeners.ts'
import type { Objective, GradientDescentRun } from '../../src/learning/gradient_descent.ts'
import { gradientDescent } from '../../src/learning/gradient_descent.ts'
import type { TrainerState } from '../../src/learning/trainer_state.ts'
import { initialState } from '../../src/learning/trainer_state.ts'
import type { FixtureModel } from '../graphs/gpt2_fixtures.ts'
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

/** What a run learns from, and what it is judged by. */
export interface RunData {
  readonly trainData: DataSet
  readonly validationData: DataSet
}

/** What is trained on the fixture model, and how. */
export interface SmallTask {
  readonly trainable: ParameterShapes
  readonly training: Graph
  readonly evaluation: Graph
  readonly objective: Objective
  readonly judge: (evaluation: Session, parameters: Tensors, data: DataSet) => Promise<Metrics>
  readonly initial: ReadonlyMap<string, FloatTensor>
  /** Inputs of the graphs that stay the same. */
  readonly constants: Feeds
  /** Of classification. */
  readonly classes: readonly string[]
}

/** What a run has in place of what it is given. */
export interface Changes extends Partial<Omit<GradientDescentRun, 'tensors' | 'listeners'>> {
  readonly memory?: ParameterMemory
  readonly log?: (record: StepRecord | EvaluationRecord) => unknown
}

export interface SmallRuns {
  readonly training: Session
  readonly evaluation: Session
  /** A fresh memory with the initial tensors. */
  readonly memory: (accumulate?: boolean) => ParameterMemory
  readonly constants: Feeds
  readonly dataset: (name: string, examples: readonly EncodedExample[]) => Promise<DataSet>
  readonly train: (options: Partial<TrainingOptions>, data: RunData, changes?: Changes) => Promise<Outcome>
  readonly release: () => Promise<void>
}

/** The trained tensors, copied. */
export const trainedTensors = ({ memory }: Pick<Outcome, 'memory'>): Record<string, number[]> =>
  Object.fromEntries(memory.names.map((name) => [name, [...memory.views(name).parameter]]))

function layoutOf(examples: readonly EncodedExample[]): Layout {
  if (examples.some(({ margin }) => margin !== undefined)) return layouts.pairs
  return examples.some(({ desirable }) => desirable !== undefined) ? layouts.unpaired : layouts.single
}

/** Opens a task's graphs on the fixture model. */
export async function openRuns(model: FixtureModel, task: SmallTask): Promise<SmallRuns> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-training-'))
  const training = await model.open(task.training)
  const evaluation = await model.open(task.evaluation)
  const { constants, objective, initial, classes } = task
  const open: DataSet[] = []

  const memory = (accumulate = false): ParameterMemory => {
    const created = createParameterMemory(task.trainable, { accumulate })
    for (const name of created.names) created.views(name).parameter.set(initial.get(name)!.data)
    return created
  }

  async function dataset(name: string, examples: readonly EncodedExample[]) {
    const path = join(folder, `${name}.arrow`)
    const layout = layoutOf(examples)
    const facts = { fingerprint: name, vocabularySize: VOCABULARY, maxLength: 32, classes, layout }
    await writeArrowDataset(path, facts, examples)
    open.push(openArrowDataset(path))
    return open.at(-1)!
  }

  const train: SmallRuns['train'] = async (given, { trainData, validationData }, changes = {}) => {
    const options = trainingOptionsSchema.parse(given)
    const steps: StepRecord[] = []
    const evaluations: EvaluationRecord[] = []
    const saved: { name: string; step: number }[] = []
    const { memory: used = memory(options.gradient_accumulation_steps > 1), log, ...changed } = changes
    const tell =
      log ??
      ((record: StepRecord | EvaluationRecord) =>
        'loss' in record ? steps.push(record) : evaluations.push(record))
    const run: GradientDescentRun = {
      options,
      objective,
      training,
      tensors: hostState(used),
      constants,
      trainData,
      evaluate: (parameters) => task.judge(evaluation, parameters, validationData),
      state: initialState,
      save: async (name, { global_step }) => void saved.push({ name, step: global_step }),
      listeners: [{ step: (record) => void tell(record), evaluation: (record) => void tell(record) }],
      ...changed,
    }
    const state = await gradientDescent(run)
    return { state, steps, evaluations, saved, memory: used }
  }

  async function release(): Promise<void> {
    for (const dataset of open) dataset.close()
    await training.release()
    await evaluation.release()
    await rm(folder, { recursive: true })
  }
  return { training, evaluation, memory, constants, dataset, train, release }
}

/** Opens the graphs of sft: LoRA, or every parameter. */
export async function openSmallRuns(kind: 'lora' | 'full'): Promise<SmallRuns> {
  const model = await fixtureModel()
  const { task, initial, constants } = await startingPoint(kind, model)
  return openRuns(model, {
    trainable: languageModelTrainable(task),
    training: sftTrainingGraph(task),
    evaluation: sftEvaluationGraph(task),
    objective: sftObjective,
    judge: async (evaluation, parameters, data) => {
      const { loss, perplexity } = await evaluateSft(evaluation, parameters, data, 8)
      return { eval_loss: loss, eval_perplexity: perplexity }
    },
    initial,
    constants,
    classes: [],
  })
}

async function startingPoint(
  kind: 'lora' | 'full',
  model: LanguageModel,
): Promise<{ task: LanguageModel; initial: ReadonlyMap<string, FloatTensor>; constants: Feeds }> {
  if (kind === 'full')
    return { task: model, initial: await readTensors(fixture('model', 'model.safetensors')), constants: {} }
  const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'attention'))
  return { task: { ...model, lora }, initial: tensors, constants: loraScale(lora.lora_alpha / lora.r) }
}
