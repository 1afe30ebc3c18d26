/**
 * Options of what disturbs a model while it learns.
 * @module
 */
import { z } from 'zod'

import type { GraphRequest } from '../../graphs/models/graph_request.ts'

export const dropoutOption = z
  .enum(['none', 'model'])
  .optional()
  .describe(
    "Whether training drops out what the model's config.json says (`embd_pdrop`, `hidden_dropout_prob` and the like), as transformers does: `model`, or `none`, which is meant where it is left out.",
  )

export const neftuneOption = z
  .number()
  .min(0)
  .max(1000)
  .optional()
  .describe(
    "α of NEFTune (Jain et al. 2023): in training each number of a token's embedding gets noise of −α/√(L·d) … α/√(L·d), L being the sequence's tokens and d the width; left out: 0.",
  )

interface NoiseOfTask {
  readonly dropout?: 'none' | 'model' | undefined
  readonly neftune_noise_alpha?: number | undefined
}

/** A request for a graph that learns, with what the task's options disturb the model by. */
export const disturbed = <R extends Pick<GraphRequest, 'noise'>>(
  request: R,
  { dropout, neftune_noise_alpha = 0 }: NoiseOfTask,
): R =>
  request.noise
    ? { ...request, noise: { ...request.noise, dropout: dropout === 'model', neftune_noise_alpha } }
    : request
