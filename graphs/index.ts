/**
 * The graph layer: what is computed, as ONNX graphs. It imports no Node API and runs in a browser unchanged.
 * @module
 */
export * from './artifacts/causal_lm.ts'
export * from './artifacts/classification.ts'
export * from './artifacts/consolidation.ts'
export * from './artifacts/embedding.ts'
export * from './artifacts/equivalence.ts'
export * from './artifacts/generation.ts'
export * from './autodiff.ts'
export * from './flops.ts'
export * from './ir/dtype.ts'
export * from './ir/graph.ts'
export * from './ir/operator.ts'
export * from './ir/serialize.ts'
export * from './ir/shape.ts'
export * from './models/gpt2_config.ts'
export * from './models/lora_config.ts'
export * from './models/npt_config.ts'
export * from './ops/index.ts'
export * from './optimizers/adamw.ts'
