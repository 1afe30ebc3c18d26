/**
 * ortune as a library, for Node: what the commands of `ortune` do, as functions. The graph builders alone, which also run in a
 * browser, are `ortune/graphs`; with all that trains in a browser they are `ortune/web`.
 *
 * @example
 * import { continueRun, createRun, evaluateRun, readConfig } from 'ortune'
 *
 * const config = readConfig({
 *   model: 'artifacts/pocket',
 *   output_dir: 'runs/words',
 *   data: [{ path: 'words.csv', split: { column: 'split' } }],
 *   max_steps: 100,
 * })
 * await createRun(config)
 * await continueRun('runs/words', { step: ({ step, loss }) => console.log(step, loss) })
 * console.log(await evaluateRun('runs/words', 'validation'))
 *
 * @module
 */
export * from './anywhere.ts'

// onnxruntime-node.
export type { NodeSessionOptions, Provider } from './runtime/node.ts'
export { listProviders, openNodeSession } from './runtime/node.ts'
export type { Device } from './runtime/device.ts'
export { nodeRuntime } from './runtime/node_runtime.ts'

// Runs: create one, train it to its end, judge it.
export type { RunConfig } from './runs/config.ts'
export { runConfigSchema } from './runs/config.ts'
export { readConfig } from './runs/read_config.ts'
export { createRun } from './runs/create.ts'
export { continueRun } from './runs/continue.ts'
export type { PlannedStage } from './runs/curriculum/create.ts'
export { createCurriculum } from './runs/curriculum/create.ts'
export type { CurrentStage, CurriculumOutcome } from './runs/curriculum/continue.ts'
export { continueCurriculum } from './runs/curriculum/continue.ts'
export { readRunConfig } from './runs/run_config.ts'
export type { RunEvaluation } from './evaluation/evaluate_run.ts'
export { evaluateRun } from './evaluation/evaluate_run.ts'
export type { GenerationEvaluation, GenerationEvaluationOptions } from './evaluation/evaluate_generation.ts'
export { evaluateGeneration } from './evaluation/evaluate_generation.ts'
export type { SamplePrompt, SamplePrompts, SampleRequest } from './evaluation/sample_prompts.ts'
export { samplePrompts } from './evaluation/sample_prompts.ts'
export type { SampleFigures, SampleText, SampleTexts } from './evaluation/sample_texts.ts'
export { sampleTexts } from './evaluation/sample_texts.ts'
export type { Judgement, JudgeOptions } from './evaluation/judge.ts'
export { judge } from './evaluation/judge.ts'

// Models in use.
export type { CheckpointName, FoundModel, ModelChoice } from './models/find_model.ts'
export { findModel } from './models/find_model.ts'
export type { Continuation, Generator, TextOptions } from './models/open_generator.ts'
export { openGenerator } from './models/open_generator.ts'
export { openTokenGenerator } from './models/open_token_generator.ts'
export type { OpenClassifier } from './models/open_classifier.ts'
export { openClassifier } from './models/open_classifier.ts'
export type { Scorer } from './models/open_scorer.ts'
export { openScorer } from './models/open_scorer.ts'
export type { Embedder } from './models/embedder.ts'
export { openModelEmbedder } from './models/embedder.ts'
export { openTransformersEmbedder } from './models/transformers_embedder.ts'
export type { OpenChat } from './runs/open_chat.ts'
export { openChat } from './runs/open_chat.ts'
export { openRewardFunction } from './models/open_reward.ts'

// What is written for others.
export { exportArtifacts } from './runs/artifacts.ts'
export { exportModel } from './exports/export_model.ts'
export { exportClassifier } from './exports/export_classifier.ts'
export { consolidate } from './exports/consolidate.ts'
export type { Consolidator } from './exports/consolidator.ts'
export { openConsolidator } from './exports/consolidator.ts'

// Files.
export type { PrepareOptions, Source } from './data/sets/prepare.ts'
export { prepare } from './data/sets/prepare.ts'
export { readRows } from './data/sources/read_rows.ts'
export { openArrowDataset, writeArrowDataset } from './data/sets/arrow_file.ts'
export type { Manifest } from './formats/manifest.ts'
export { readManifest } from './formats/manifest.ts'
export type { ModelFolder } from './formats/model_folder.ts'
export { openModelFolder, writeModelFolder } from './formats/model_folder.ts'
export type { PeftAdapter } from './formats/peft.ts'
export { readPeftAdapter, writePeftAdapter } from './formats/peft.ts'
export type { FloatTensor } from './formats/safetensors.ts'
export { readTensors, writeSafetensors } from './formats/safetensors.ts'
export { loadTokenizer } from './formats/load_tokenizer.ts'
export { openWordNet } from './formats/wordnet.ts'
