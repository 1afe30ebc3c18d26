/**
 * The sessions that PPO has beside those of other tasks, on the run's own weights.
 * @module
 */
import { decodingGraph } from '../../../graphs/artifacts/generation.ts'
import { ppoEvaluationGraph } from '../../../graphs/artifacts/ppo.ts'
import type { Adaptation } from '../../../graphs/models/adaptation.ts'
import type { Gpt2Config } from '../../../graphs/models/gpt2_config.ts'
import { openGpt2Folder } from '../../formats/model_folder.ts'
import { openGraph } from '../../models/open_graph.ts'
import type { NodeSessionOptions } from '../../runtime/node.ts'
import type { PpoOptions } from './options.ts'
import type { PpoSessions } from './policy.ts'

/** Opens the decoder; and the reference, where the policy's evaluation session cannot be it. */
export async function openPpoSessions(
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
