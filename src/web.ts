/**
 * ortune in a browser: the graph builders, what trains and writes with them, and onnxruntime-web. It imports no Node API.
 * @module
 */
export * from '../graphs/index.ts'
export * from './anywhere.ts'
export type { WebProvider, WebSessionOptions } from './runtime/web.ts'
export { openWebSession } from './runtime/web.ts'
export type { WebDevice, WebFacility } from './runtime/web_runtime.ts'
export { webFacility, webRuntime } from './runtime/web_runtime.ts'

// Models, runs and adapters in a tab.
export type { BlobFiles } from './tab/blob_files.ts'
export { blobFiles, fetchModel } from './tab/blob_files.ts'
export type { TabModel } from './tab/model.ts'
export { openTabModel } from './tab/model.ts'
export type { TabStorage } from './tab/storage.ts'
export { memoryStorage, opfsStorage } from './tab/storage.ts'
export type { TabRunRecord, TabSettings } from './tab/run_record.ts'
export { tabSettings } from './tab/run_record.ts'
export type { NewTabRun, TabLogRecord, TabRunPlace, TrainTabRun } from './tab/run.ts'
export { createTabRun, readTabLog, readTabRun, readTabState, runFolder, trainTabRun } from './tab/run.ts'
export {
  adapterBlobs,
  keepAdapter,
  keptAdapter,
  keptAdapters,
  keptHead,
  mergedBlobs,
  readAdapterHead,
  trainedAdapter,
} from './tab/adapter.ts'
export type { PeftAdapter } from './formats/peft_files.ts'
export { readPeftFiles } from './formats/peft_files.ts'
export type { TabWriter } from './tab/writer.ts'
export { createTabWriter } from './tab/writer.ts'
export type { OpenClassifier } from './models/classifier.ts'
export { isConversing } from './data/templates/template_source.ts'
export { column as columnTemplate } from './data/templates/template_part.ts'
export { tokenPieces } from './data/examples/token_pieces.ts'
export { withCheckedScores } from './rewards/checked_scores.ts'
export { checkJson } from './schema.ts'
export { createQueue } from './runtime/web/queue.ts'
export { openTabClassifier } from './tab/classifier.ts'
export type { Continuation, Generator, TextOptions } from './generation/text_generator.ts'
