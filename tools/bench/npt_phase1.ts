/** @module */
import { equivalenceShapes, equivalenceTrainingGraph } from '../../graphs/artifacts/equivalence.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { collateTokens } from '../../src/data/collate.ts'
import { externalData } from '../../src/formats/external_data.ts'
import { openGpt2Folder } from '../../src/formats/model_folder.ts'
import { createRandom } from '../../src/random.ts'
import type { NodeSessionOptions } from '../../src/runtime/node.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { initialPlasticBlocks } from '../../src/training/initialise.ts'
import { parameterFeeds } from '../../src/training/supervised.ts'

export interface Phase1Shape extends Pick<NptConfig, 'layers' | 'rank'> {
  readonly batch: number
  readonly length: number
}

/** A teacher-forced step of phase 1 on full rows of random tokens: its graph, session, inputs and trained tensors. */
export async function openPhase1(
  folder: string,
  { layers, rank, batch, length }: Phase1Shape,
  options: NodeSessionOptions = {},
) {
  const { config, tensors } = await openGpt2Folder(folder)
  const npt = { layers, rank, modulation_scale: 0.1, init_scale: 0.01, attention_residual: false }
  const task = {
    config,
    npt,
    hidden_states: 'teacher',
    equivalence_weight: 1,
    low_magnitude_weight: 0.01,
    distillation_weight: 0,
    stored: externalData(tensors, 'model.safetensors'),
  } as const
  const memory = createParameterMemory(equivalenceShapes(task))
  initialPlasticBlocks(memory, npt, 1)

  const random = createRandom('bench')
  const sequences = Array.from({ length: batch }, () => {
    const input_ids = Int32Array.from({ length }, () => random.integer(config.vocab_size))
    return [{ input_ids, labels: input_ids }]
  })
  const token_weights: HostTensor = {
    dtype: 'float32',
    dims: [batch, length],
    data: new Float32Array(batch * length).fill(1 / (batch * length)),
  }
  const feeds = { ...collateTokens(sequences).feeds, token_weights, ...parameterFeeds(memory) }
  const graph = equivalenceTrainingGraph(task)
  const session = await openNodeSession(serialize(graph), {
    externalFolder: folder,
    inPlaceOutputs: true,
    ...options,
  })
  return { graph, session, feeds, memory }
}
