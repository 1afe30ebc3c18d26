/**
 * The sessions that only PPO has, and which of them keep copies of the base model's weights.
 * @module
 */
import { decodingGraph } from '../../graphs/artifacts/generation.ts'
import { ppoEvaluationGraph } from '../../graphs/artifacts/ppo.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { openGraph } from '../generation/open_graph.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import type { PpoOptions } from './ppo/ppo_options.ts'
import type { PpoSessions } from './ppo/ppo_policy.ts'

export const ppoPrepacking = (p: boolean | null) => {
  const m = process.env['PB_MODE']
  if (m) return { training: m[0] === '1', evaluation: m[1] === '1', decoding: m[2] === '1' }
  return { training: p ?? false, evaluation: p ?? false, decoding: p ?? true }
}

/** Opens the decoder, and the reference where it has weights of its own, on a run's own weights. */
export async function openBeside(
  folder: string,
  lora: Adaptation,
  ppo: PpoOptions,
  options: NodeSessionOptions,
): Promise<Pick<PpoSessions, 'decoding' | 'reference'> & { readonly config: Gpt2Config }> {
  const model = await openGpt2Folder(folder)
  const { config } = model
  const decoding = await openGraph(
    `the decoder of ${folder}`,
    model,
    (stored) =>
      decodingGraph(lora === 'full' ? { config } : { config, stored, ...(lora === 'none' ? {} : { lora }) }),
    options,
  )
  const reference =
    lora === 'full'
      ? await openGraph(
          `the reference of ${folder}`,
          model,
          (stored) => ppoEvaluationGraph({ config, stored, lora: 'none', ppo }),
          options,
        )
      : null
  return { config, decoding: decoding.session, reference: reference?.session ?? null }
}
