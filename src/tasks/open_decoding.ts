/** @module */
import { decodingGraph } from '../../graphs/inference/generation.ts'
import type { Session } from '../runtime/session.ts'
import type { RunFacts } from './task.ts'

/** Opens the decoding graph of the model that a run trains; adapters, or all parameters, are inputs. */
export async function openDecoding({
  host,
  config,
  lora,
}: Pick<RunFacts, 'host' | 'config' | 'lora'>): Promise<Session> {
  const adapters = typeof lora === 'string' ? {} : { lora }
  const { session } = await host.openGraph(
    'the decoder',
    (stored) => decodingGraph(lora === 'full' ? { config } : { config, stored, ...adapters }),
    { spinning: false },
  )
  return session
}
