/**
 * A training step of an artifact folder on full rows of random tokens.
 * @module
 */
import { join } from 'node:path'

import { matmulFlops } from '../../graphs/flops.ts'
import type { ExternalData } from '../../graphs/ir/graph.ts'
import { plasticTensors } from '../../graphs/optimizers/plastic.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { initialLossScale, lossScaleFeeds } from '../../src/learning/loss_scale.ts'
import { plasticOptionsSchema } from '../../src/learning/options.ts'
import { plasticStep } from '../../src/learning/plastic.ts'
import { createRandom } from '../../src/random.ts'
import { loadParameters } from '../../src/runs/checkpoint.ts'
import { initialAdapter } from '../../src/runs/initialise.ts'
import { runGraphs } from '../../src/runs/run_graphs.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import { loraScale, takenBy } from '../../src/runtime/feeds.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { optimizerStep } from './steps.ts'

export interface StepShape {
  readonly rows: number
  /** Tokens of a row. */
  readonly length: number
  /** Of each row's tokens, which part has labels. */
  readonly share?: number
  /** Whether a plastic update follows each step. */
  readonly plastic?: boolean
}

export interface TrainingStep {
  /** Makes the step and gives its loss. */
  readonly step: () => Promise<number>
  /** Whether it trains every parameter. */
  readonly full: boolean
  /** Of the step's matrix products. */
  readonly flops: number
}

/** Opens the session as a run does. */
export async function openTrainingStep(
  folder: string,
  runtime: Runtime,
  { rows, length, share = 1, plastic = false }: StepShape,
): Promise<TrainingStep> {
  const config = await readModelConfig(folder)
  const manifest = await readRunManifest(folder)
  const { lora } = manifest
  const { trainable } = await runGraphs(manifest, config, new Map())
  const traced = new Set(plastic ? plasticTensors(config, trainable).keys() : [])
  const tensors = await runtime.state(trainable, { traced })
  if (lora === 'full') await loadParameters(folder, tensors)
  else await initialAdapter(tensors, 1)

  const random = createRandom('bench')
  const examples = Array.from({ length: rows }, () => {
    const input_ids = Int32Array.from({ length }, () => random.integer(config.vocab_size))
    return { input_ids, labels: input_ids.map((id, t) => (t < length * (1 - share) ? NO_LOSS : id)) }
  })
  const labelled = totalLabelled(examples)
  const sequences = examples.map((example) => [example])
  const session = await runtime.open(join(folder, 'training_model.onnx'), { prepacking: false })
  const feeds = takenBy(session, {
    ...collate(sequences, { total: labelled }),
    ...tensors.parameters,
    ...lossScaleFeeds(initialLossScale),
    ...(typeof lora === 'string' ? {} : loraScale(lora.lora_alpha / lora.r)),
  })
  const rule = plastic ? plasticStep(plasticOptionsSchema.parse({}), 0) : undefined
  // The training graph once more, for its shapes; where the weights lie does not matter here.
  const anywhere = { location: 'model.safetensors', offset: 0, length: 0 }
  const stored = { get: () => anywhere } as unknown as ReadonlyMap<string, ExternalData>
  return {
    step: optimizerStep(session, feeds, tensors, rule),
    full: lora === 'full',
    flops: matmulFlops((await runGraphs(manifest, config, stored)).training(), {
      ...{ batch: rows, sequence: length, labelled },
    }),
  }
}
