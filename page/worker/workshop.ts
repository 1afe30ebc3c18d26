/**
 * What the page asks of its worker, in which models, training and storage are. Functions passed in are called as work goes on.
 * @module
 */
import type { EvaluationRecord, StepRecord, TabLogRecord, TaskName } from '../../src/web.ts'

/** What there is to compute with and to keep things in. */
export interface Facility {
  readonly provider: 'wasm' | 'webgpu'
  /** Threads of WebAssembly; 1 where the page is not cross-origin isolated. */
  readonly threads: number
  /** What is missing and what is used in its place, a sentence each. */
  readonly notes: readonly string[]
  /** Whether what is kept outlasts the page. */
  readonly keeps: boolean
  readonly room: Room
}

/** Of the browser's storage, in bytes; `of` is undefined where the browser does not say. */
export interface Room {
  readonly used: number
  readonly of: number | undefined
}

export interface ModelEntry {
  /** `served/pocket`, `kept/my-model`. */
  readonly id: string
  readonly name: string
  /** Whether it lies in the browser's storage; else beside the page. */
  readonly kept: boolean
  readonly bytes: number | undefined
}

export interface ModelFacts {
  readonly id: string
  readonly name: string
  /** As people call it, such as GPT-2. */
  readonly family: string
  readonly parameters: number
  readonly layers: number
  readonly width: number
  /** Most tokens that it reads. */
  readonly context: number
  readonly vocabulary: number
  /** Whether it writes texts. */
  readonly writes: boolean
}

/** A file of examples, or pasted text under a name that tells its format, such as `pasted.csv`. */
export interface Source {
  readonly name: string
  readonly blob: Blob
}

/** A token as it is shown; `loss`: whether the model learns to write it. */
export interface Piece {
  readonly text: string
  readonly loss: boolean
}

/** What the model will see of a source. */
export interface Examined {
  readonly rows: number
  readonly columns: readonly string[]
  /** How rows become examples, as YAML has it, and what it was told by. */
  readonly template: object
  /** The first rows, with their cells as texts. */
  readonly sample: readonly Readonly<Record<string, string>>[]
  /** The first examples; a pair is two in a row, with the answers named by `label`. */
  readonly examples: readonly { readonly label: string; readonly pieces: readonly Piece[] }[]
  readonly train: number
  readonly validation: number
  /** Of training examples. */
  readonly tokens: number
  readonly longest: number
  /** Of a classification. */
  readonly classes: readonly string[]
  /** What was left out and why, a sentence each. */
  readonly notes: readonly string[]
}

/** What a template may be made of. */
export interface RowParts {
  /** Each column as a template writes it: `{{ title }}`, `{{ row["Review Text"] }}`. */
  readonly columns: readonly string[]
  /** What the columns tell, or else a guess by what they hold; undefined where there is none. */
  readonly template: object | undefined
}

export interface RunRequest {
  readonly name: string
  readonly task: TaskName
  /** The keys of a YAML file, such as `{ lora: { r: 8 }, max_steps: 60 }`; `template` says how a row becomes an example. */
  readonly settings: object
  readonly source: Source
  /** Part of the rows that are not learned from, to judge by; 0.1 by default. */
  readonly validation?: number
  /** Of task ppo: the text of a function of a sample that gives its score. */
  readonly reward?: string
}

export interface RunEntry {
  readonly name: string
  readonly model: string
  readonly task: TaskName
  /** Of the last checkpoint. */
  readonly step: number
  readonly steps: number
  readonly state: 'new' | 'stopped' | 'finished'
  readonly settings: object
  readonly reward: string | undefined
}

/** Of what is kept and cannot be read: why. */
export interface Damaged {
  readonly name: string
  readonly damaged: string
}

export interface RunWatcher {
  start?(plan: { readonly totalSteps: number; readonly fromStep: number }): void
  step?(record: StepRecord): void
  evaluation?(record: EvaluationRecord): void
  note?(sentence: string): void
  /** Of PPO: responses that were scored. */
  responses?(
    scored: readonly { readonly prompt: string; readonly response: string; readonly score: number }[],
  ): void
}

export interface AdapterEntry {
  readonly name: string
  /** Which model it is of. */
  readonly model: string | null
  readonly rank: number
  readonly modules: readonly string[]
  readonly bytes: number
  /** Of a classifier or a reward model, which writes no texts. */
  readonly head: boolean
  /** The names of a classifier's classes, where they are known. */
  readonly classes: readonly string[]
}

/** An adapter that is kept, or what a run has trained so far. */
export interface Trained {
  readonly kind: 'adapter' | 'run'
  readonly name: string
}

/** Who writes: the model as it is, or with what was trained. */
export type Writer = { readonly kind: 'model' } | Trained

export interface WriteRequest {
  readonly prompt: string
  readonly writer: Writer
  readonly max_new_tokens: number
  /** 0: the likeliest token each time. */
  readonly temperature: number
  readonly seed: number
}

export interface Written {
  readonly text: string
  readonly tokens: number
  readonly seconds: number
  /** What it took to change to this writer, in milliseconds. */
  readonly swap: number
}

/** Two answers to a prompt, one of which someone liked better. */
export interface Preference {
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
}

/** Errors that are the user's to mend have the name UserError and one sentence. */
export interface Workshop {
  /** To be called once, first. A provider that is missing is replaced, and `notes` say so. */
  start(provider: 'auto' | 'wasm' | 'webgpu'): Promise<Facility>
  room(): Promise<Room>

  models(): Promise<ModelEntry[]>
  openModel(id: string, progress?: (done: number, of: number) => void): Promise<ModelFacts>
  /** Keeps the files of a model's folder in the browser's storage, under a name that is free, and opens it. */
  addModel(
    name: string,
    files: readonly File[],
    progress?: (done: number, of: number) => void,
  ): Promise<ModelFacts>
  removeModel(id: string): Promise<void>

  /** What the open model will see of a source, by `settings.template` where there is one. */
  examine(source: Source, task: TaskName, settings: object): Promise<Examined>
  /** What a template of the source may be made of. */
  rowParts(source: Source, task: TaskName): Promise<RowParts>

  runs(): Promise<(RunEntry | Damaged)[]>
  createRun(request: RunRequest): Promise<RunEntry>
  /** Trains a run on from where it stands; ends when it has all its steps or is paused. */
  train(name: string, watcher: RunWatcher): Promise<RunEntry>
  /** Ends the training under way after its step, with a checkpoint. */
  pause(): Promise<void>
  log(name: string): Promise<TabLogRecord[]>
  removeRun(name: string): Promise<void>

  adapters(): Promise<(AdapterEntry | Damaged)[]>
  /** Keeps what a run has trained, as an adapter, under a name that is free. */
  keepAdapter(run: string, name: string): Promise<AdapterEntry>
  /** Keeps an adapter of PEFT's: adapter_config.json and adapter_model.safetensors, and of a classifier head.json; under a name that is free. */
  addAdapter(name: string, files: readonly File[]): Promise<AdapterEntry>
  removeAdapter(name: string): Promise<void>
  /** A zip of PEFT's two files, and of a classifier head.json. */
  adapterZip(name: string): Promise<Blob>
  /** A zip of the model's folder with the adapter merged into it. */
  mergedZip(name: string): Promise<Blob>

  /** Between two steps where training is under way. */
  write(request: WriteRequest, onText?: (piece: string) => void): Promise<Written>
  stopWriting(): Promise<void>
  /** The probability of each class, by a run of classification or a kept adapter that knows its classes. */
  classify(
    by: Trained,
    text: string,
  ): Promise<readonly { readonly name: string; readonly probability: number }[]>

  preferences(): Promise<Preference[]>
  keepPreferences(all: readonly Preference[]): Promise<void>

  /** Where reward functions run: a port of the sandboxed document. */
  connectSandbox(port: MessagePort): Promise<void>
  /** Scores of some samples by a function that someone wrote. */
  tryReward(
    reward: string,
    samples: readonly { readonly prompt: string; readonly response: string }[],
  ): Promise<number[]>
}
