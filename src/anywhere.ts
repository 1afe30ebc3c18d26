/**
 * The public face that is the same in Node and in a browser: data, learning, tasks, generation, metrics.
 * @module
 */
export { UserError } from './errors.ts'
export type { Random } from './random.ts'
export { createRandom } from './random.ts'

// Sessions and trained tensors.
export type { Feeds, HostTensor, RunOptions, Session, SessionOptions, TensorData } from './runtime/session.ts'
export type { OpenOptions, Runtime } from './runtime/runtime.ts'
export type { OptimizerStep, Slot, TrainingState } from './runtime/training_state.ts'
export { createDeviceState } from './runtime/device_state.ts'
export { createHostState } from './runtime/host_state.ts'
export { adaptersOff, loraScale } from './runtime/feeds.ts'

// Texts and tokens.
export type { Tokenizer } from './text/tokenizer.ts'
export { createTokenizer } from './text/create_tokenizer.ts'
export type { Detokenizer } from './text/detokenizer.ts'
export { createDetokenizer } from './text/detokenizer.ts'

// From files to rows, and from rows to batches.
export type { ByteFile, OpenFile } from './formats/byte_file.ts'
export { blobFile } from './formats/byte_file.ts'
export type { ReadOptions } from './data/sources/rows_of.ts'
export { readRowsOf } from './data/sources/rows_of.ts'
export type { DataSource, SplitRule } from './data/sources/source_rows.ts'
export type { Row } from './data/row.ts'
export type { TemplateSource } from './data/templates/template_source.ts'
export { compileTemplate } from './data/templates/template.ts'
export { detectTemplate, detectTemplateOfRow } from './data/templates/forms.ts'
export type { Encoded, EncodedExample, EncodeOptions } from './data/examples/encode.ts'
export { encodeExample, encodePair, encodePrompt, encodeSequence, NO_LOSS } from './data/examples/encode.ts'
export type { DataKind, RowEncoder } from './data/kinds/kind.ts'
export type { DataKindName } from './data/kinds/index.ts'
export { kinds } from './data/kinds/index.ts'
export type { DataSet } from './data/sets/data_set.ts'
export type { ArrowFacts } from './data/sets/arrow_format.ts'
export type { ByteSource } from './data/sets/arrow_reader.ts'
export { bytesInMemory, readArrowDataset } from './data/sets/arrow_reader.ts'
export type { ArrowWriter, ByteSink } from './data/sets/arrow_writer.ts'
export { createArrowWriter } from './data/sets/arrow_writer.ts'
export type { PrepareReport, SetsOptions } from './data/sets/prepare_sets.ts'
export type { PreparedSets } from './data/sets/prepare_in_memory.ts'
export { prepareInMemory } from './data/sets/prepare_in_memory.ts'
export type { Batch } from './data/batches/batches.ts'
export { sequentialBatches, trainingBatches } from './data/batches/batches.ts'
export { collate } from './data/batches/collate.ts'

// Learning, whatever the task.
export type { TrainingOptions } from './learning/options.ts'
export { trainingOptionsSchema } from './learning/options.ts'
export type { EvaluationRecord, Listener, Metrics, StepRecord, TrainingPlan } from './learning/listeners.ts'
export type { LoopRun, Plan, Position, Taken } from './learning/loop.ts'
export { loop } from './learning/loop.ts'
export type { MicroBatch, Objective, GradientDescentRun } from './learning/gradient_descent.ts'
export { gradientDescent } from './learning/gradient_descent.ts'
export type { TrainerState } from './learning/trainer_state.ts'
export { initialState } from './learning/trainer_state.ts'
export type { RewardFunction } from './rewards/reward_function.ts'
export type { RewardSample } from './rewards/reward_sample.ts'

// The tasks.
export type { Host, OpenRun, Task, TaskGraphs, TrainedModel } from './tasks/task.ts'
export type { TaskName } from './tasks/index.ts'
export { TASK_NAMES, taskNamed, tasks } from './tasks/index.ts'

// Writing texts.
export type { Decoder } from './generation/decoder.ts'
export { createDecoder } from './generation/decoder.ts'
export type { GenerationOptions } from './generation/generate.ts'
export { generate } from './generation/generate.ts'
export type { SamplingOptions } from './generation/sampling.ts'
export { greedy, nextToken, samplingDistribution } from './generation/sampling.ts'
export type { TokenGenerator } from './generation/token_generator.ts'
export { createTokenGenerator } from './generation/token_generator.ts'
export type { Chat } from './generation/chat.ts'
export { createChat } from './generation/chat.ts'

// Metrics.
export { bleu, sentenceBleu } from './metrics/bleu.ts'
export { bootstrapInterval } from './metrics/bootstrap.ts'
export { calibration } from './metrics/calibration.ts'
export { classificationReport } from './metrics/classification.ts'
export { distinctN } from './metrics/distinct.ts'
export { embeddingCosine } from './metrics/embedding_cosine.ts'
export { meteor } from './metrics/meteor.ts'
export { perplexity, perplexityPerWord } from './metrics/perplexity.ts'
export { rouge } from './metrics/rouge.ts'
export type { Synonyms } from './metrics/synonyms.ts'
export { textMetrics } from './metrics/text_metrics.ts'
export { winRate } from './metrics/win_rate.ts'
