/**
 * What a task must bring. `index.ts` is a total record of them; nothing else asks which task it is.
 *
 * A task speaks of sessions, data sets and tensors, and of files not at all: what it needs of the place where a run lives, it
 * asks of the run's {@link Host}.
 * @module
 */
import type { z } from 'zod'

import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { GraphRequest } from '../../graphs/models/graph_request.ts'
import type { Head } from '../../graphs/models/head.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import type { DataKindName } from '../data/kinds/index.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Precision } from '../formats/precision.ts'
import type { FloatTensor } from '../formats/float_tensor.ts'
import type { TokenGenerator } from '../generation/token_generator.ts'
import type { Method } from '../learning/default_rate.ts'
import type { LoopRun } from '../learning/loop.ts'
import type { TrainingOptions } from '../learning/options.ts'
import type { LogRecord } from '../learning/listeners.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import type { OpenModel } from '../models/open_found_model.ts'
import type { RewardFunction } from '../rewards/reward_function.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import type { OpenOptions } from '../runtime/runtime.ts'
import type { Feeds, Session, Tensors } from '../runtime/session.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import type { Tokenizer } from '../text/tokenizer.ts'

export type { GraphRequest, OpenModel }

/**
 * What is known of a task before anything is done.
 *
 * @typeParam Graphs the options that graphs depend on
 * @typeParam Options all options
 * @typeParam Found what an evaluation finds
 */
export interface Task<
  Graphs extends object = object,
  Options extends Graphs = Graphs,
  Found extends object = object,
> {
  /** In a few words, for lists. */
  readonly summary: string
  /** Its options: the key of the task's name in a configuration. */
  readonly options: z.ZodType<Options>
  /** Those of them that its graphs depend on, which the manifest keeps; passes over the others. */
  readonly graphOptions: z.ZodType<Graphs>
  /** What an example is. */
  readonly learnsFrom: DataKindName
  readonly head: Head['kind']
  /** What a checkpoint can be chosen by, beside `eval_loss`. */
  readonly metrics: readonly string[]
  /** Factors of the default learning rates, where it learns faster or slower than texts are learned. */
  readonly rates?: Readonly<Partial<Record<Method, number>>>
  /** What does not go with it, and why. */
  readonly refuses: {
    /** Completes "packing is not for task …, where". */
    readonly packing?: string
    /** Whether plastic blocks may be trained, must be, or are refused. */
    readonly plasticBlocks?: 'needed' | 'refused'
    /** Completes "lora_dropout is not for task …, where". */
    readonly adapterDropout?: string
    /** Completes "modules_to_save is not for task …, where". */
    readonly savedModules?: string
    /** A frozen model leaves nothing to train; as the error says it. */
    readonly frozen?: string
  }
  /** Whether its model is judged by the texts that it writes, too. */
  readonly writes?: true
  /** The options as a run keeps them, paths made absolute, since it may be resumed from another working directory. */
  located?(options: Options, absolute: (path: string) => string): Options
  /** What it does, loaded when something is trained or judged with it. */
  work(): Promise<TaskWork<Graphs, Options, Found>>
  /** What a step of it is, where that is more than one step of the optimizer. */
  readonly step?: string
  /** What is drawn of its log beside the loss. */
  readonly curves?: readonly Panel[]
  /** False: the loss of evaluations is another quantity than that of steps, and not drawn beside it. */
  readonly comparableLoss?: false
}

/** What a task does. */
export interface TaskWork<
  Graphs extends object = object,
  Options extends Graphs = Graphs,
  Found extends object = object,
> {
  /** Whether what the options ask for is there, before the data is prepared; throws UserError where not. */
  check?(run: Beginning<Options>): Promise<void>
  /** The same once the data is prepared. */
  prepare?(run: Beginning<Options> & RunData): Promise<void>
  graphs(request: GraphRequest, options: Graphs, head: Head): TaskGraphs
  train(run: OpenRun<Options>): Promise<TrainerState>
  /** Judges a model on a data set; or how else one finds out about a run. */
  readonly evaluation: Evaluation<Options, Found> | { readonly instead: (run: string) => string }
}

export interface Evaluation<Options, Found> {
  find(model: TrainedModel, data: DataSet, run: { readonly options: Options } & RunFacts): Promise<Found>
  /** The figures of a table, the loss aside. */
  figures(found: Found & Evaluated): readonly Figure[]
  /** What takes a table of its own, or a few lines. */
  details?(found: Found, name: string): readonly string[]
  /** An SVG document. */
  picture?(found: Found, title: string): Promise<string>
}

/** What every evaluation says. */
export interface Evaluated {
  readonly run: string
  readonly checkpoint: string
  readonly split: string
  /** Rows of the data. */
  readonly examples: number
}

export type Figure = readonly [name: string, value: number, digits: number]

/** One set of axes: its title, and the curves by the key that they have in the log. */
export interface Panel {
  readonly title: string
  readonly curves: Readonly<Record<string, string>>
  /** Whether numbers ≥ 0 are drawn by their order of magnitude. */
  readonly decades?: boolean
}

export interface TaskGraphs {
  /** The tensors that training changes, in the order of the graphs' inputs. Throws where a target of adapters matches nothing. */
  readonly trainable: () => ParameterShapes
  readonly training: () => Graph
  readonly evaluation: () => Graph
}

/** The options of a run that all tasks have. */
export interface RunSettings extends TrainingOptions {
  /** What to do with a prompt that leaves no room for a response. */
  readonly overlong: 'error' | 'skip'
  /** What its graphs compute in. */
  readonly precision: Precision
}

/** What is known of a run before its tensors are. */
export interface RunFacts {
  readonly settings: RunSettings
  readonly config: ModelConfig
  readonly lora: Adaptation
  readonly npt: NptConfig | null
  readonly head: Head
  readonly tokenizer: Tokenizer
  readonly host: Host
}

export interface RunData {
  readonly trainData: DataSet
  readonly validationData: DataSet
}

/** A run that is being made: its model and tokenizer are in place. */
export interface Beginning<Options> extends Omit<RunFacts, 'head'> {
  readonly options: Options
}

/** A run in training. */
export interface OpenRun<Options>
  extends RunFacts, RunData, Pick<LoopRun, 'state' | 'unjudged' | 'save' | 'listeners' | 'signal'> {
  readonly options: Options
  readonly training: Session
  readonly evaluation: Session
  /** Tokens that end a text which the model writes. */
  readonly stop_tokens: readonly number[]
  readonly tensors: TrainingState
  /** Inputs of the graphs that stay the same, such as `lora_scale`. */
  readonly constants: Feeds
  /** The trained tensors with the constants: all that graphs are fed beside the batch. */
  readonly parameters: Tensors
}

/** A trained model that is to be judged. */
export interface TrainedModel {
  readonly config: ModelConfig
  readonly npt: NptConfig | null
  readonly tokenizer: Tokenizer
  /** Opens a graph on it, and releases its session after use. */
  withGraph<T>(
    build: (request: GraphRequest) => Graph,
    use: (session: Session, parameters: Tensors) => Promise<T>,
  ): Promise<T>
  /** What writes texts with it; release it when done. */
  generator(): Promise<TokenGenerator>
  /** The model that it was trained from. */
  before(): TrainedModel
}

/** The place where a run lives: a folder, or a browser's storage. */
export interface Host {
  /** Opens a graph on the run's own frozen weights. */
  openGraph(
    what: string,
    build: (stored: ReadonlyMap<string, ExternalData> | undefined) => Graph,
    options?: OpenOptions,
  ): Promise<{ readonly session: Session; readonly constants: Feeds }>
  /**
   * Opens a graph on a language model with the run's tokenizer; null is the model that the run starts from.
   *
   * @param key the option that names it, for errors
   * @throws UserError where it is none, or has another tokenizer
   */
  openModel(name: string | null, key: string, build: (request: GraphRequest) => Graph): Promise<OpenModel>
  /** Throws as {@link Host.openModel} does, and opens nothing. */
  checkModel(name: string, key: string): Promise<void>
  openReward(source: RewardSource): Promise<RewardFunction>
  /** Tensors that are computed once and kept with the run, with a few words about them. */
  readonly kept: {
    read(name: string): Promise<KeptTensors | undefined>
    write(name: string, kept: KeptTensors): Promise<void>
  }
  /** A file of lines beside the log; what a run that was interrupted wrote after `step` is dropped. */
  journal(name: string, step: number): Promise<(record: LogRecord & object) => void>
}

export interface KeptTensors {
  readonly tensors: ReadonlyMap<string, FloatTensor>
  readonly metadata: Readonly<Record<string, string>>
}
