/**
 * ortune's training step in a tab, with sessions and state opened as a run opens them.
 * @module
 */
import type { ExternalData } from '../../../graphs/ir/graph.ts'
import { serialize } from '../../../graphs/ir/serialize.ts'
import { languageHead } from '../../../graphs/models/head.ts'
import { collateTokens, int64 } from '../../../src/data/batches/collate.ts'
import { runGraphs } from '../../../src/runs/run_graphs.ts'
import { loraScale } from '../../../src/runtime/feeds.ts'
import type { Feeds } from '../../../src/runtime/session.ts'
import type { WebProvider } from '../../../src/runtime/web.ts'
import { webRuntime } from '../../../src/runtime/web_runtime.ts'
import { taskNamed } from '../../../src/tasks/index.ts'
import type { StepData, StepShape, Weights } from './shape.ts'
import { ADAMW, stepData } from './shape.ts'

/** Opens the step. Each call makes one, and gives its loss. */
export async function openOrtuneStep(
  provider: WebProvider,
  shape: StepShape,
): Promise<() => Promise<number>> {
  const { lora } = shape
  const data = stepData(shape)
  const runtime = webRuntime({ provider, fallback: false })
  const { places, bytes } = packed(data.frozen)
  const options = taskNamed('sft').graphOptions.parse({})
  const graphs = await runGraphs(
    { task: 'sft', options, head: languageHead, lora, npt: null },
    data.config,
    places,
  )
  const tensors = await runtime.state(graphs.trainable)
  for (const [name, { data: values }] of data.trained) await tensors.write(name, 'parameter', values)
  const session = await runtime.open(serialize(graphs.training()), {
    name: 'the training graph',
    prepacking: false,
    externalData: lora === 'full' ? [] : [{ path: WEIGHTS, data: bytes }],
  })
  const feeds = {
    ...batchOf(data, shape),
    ...tensors.parameters,
    ...(lora === 'full' ? {} : loraScale(lora.lora_alpha / lora.r)),
  }
  let step = 0
  return async () => {
    const { loss } = await session.run(feeds, { into: tensors.gradients })
    await tensors.step({ ...ADAMW, step: ++step })
    return loss!.data[0] as number
  }
}

const WEIGHTS = 'weights'

/** Tensors one after the other in a file. */
function packed(weights: Weights): {
  places: ReadonlyMap<string, ExternalData>
  bytes: Uint8Array<ArrayBuffer>
} {
  const places = new Map<string, ExternalData>()
  let end = 0
  for (const [name, { data }] of weights) {
    places.set(name, { location: WEIGHTS, offset: end, length: data.byteLength })
    end += data.byteLength
  }
  const bytes = new Uint8Array(end)
  for (const [name, { data }] of weights)
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), places.get(name)!.offset)
  return { places, bytes }
}

/** The inputs of the training graph: every position has a label, and weighs the same. */
function batchOf({ tokens, labels }: StepData, { batch, length }: StepShape): Feeds {
  const rows = Array.from({ length: batch }, (_, b) => {
    const input_ids = tokens.subarray(b * length, (b + 1) * length)
    return [{ input_ids, labels: input_ids }]
  })
  const [positions, following] = [int64([labels.length]), int64([labels.length])]
  for (const [i, label] of labels.entries()) {
    positions.set(i, i)
    following.set(i, label)
  }
  return {
    ...collateTokens(rows).feeds,
    label_positions: positions.tensor,
    labels: following.tensor,
    label_weights: {
      dtype: 'float32',
      dims: [labels.length],
      data: new Float32Array(labels.length).fill(1 / labels.length),
    },
  }
}
