/**
 * NPT's phase 1, teacher-forced and as published, on full rows of random tokens.
 * @module
 */
import { equivalenceShapes, equivalenceTrainingGraph } from '../../graphs/tasks/equivalence.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { collateTokens } from '../../src/data/batches/collate.ts'
import { externalData } from '../../src/formats/external_data.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import { createRandom } from '../../src/random.ts'
import type { NodeSessionOptions } from '../../src/runtime/node.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createHostState } from '../../src/runtime/host_state.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import { initialPlasticBlocks } from '../../src/runs/initialise.ts'

/** The training graph on a model folder's weights, its session, the tensors that it trains, and its inputs for a batch. */
export async function openPhase1(
  folder: string,
  { layers, rank }: Pick<NptConfig, 'layers' | 'rank'>,
  options: NodeSessionOptions = { prepacking: false },
) {
  const { config, tensors } = await openModelFolder(folder)
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
  const state = createHostState(equivalenceShapes(task))
  await initialPlasticBlocks(state, npt, 1)
  const graph = equivalenceTrainingGraph(task)
  const model = { externalFolder: folder }
  const session = await openNodeSession(serialize(graph), { ...model, ...options })

  const feeds = (batch: number, length: number): Feeds => {
    const random = createRandom('bench')
    const sequences = Array.from({ length: batch }, () => {
      const input_ids = Int32Array.from({ length }, () => random.integer(config.vocab_size))
      return [{ input_ids, labels: input_ids }]
    })
    const count = batch * length
    const weights = new Float32Array(count).fill(1 / count)
    const token_weights: HostTensor = { dtype: 'float32', dims: [batch, length], data: weights }
    return { ...collateTokens(sequences).feeds, token_weights, ...state.parameters }
  }
  return { graph, session, state, feeds }
}
