/**
 * Plastic blocks as a file describes them: the key `npt` of a run's options, of its manifest, and of an exported model's
 * `config.json`.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { positiveFloat32 } from '../float32_option.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { readJson } from './read_file.ts'
import { checkJson } from '../schema.ts'

/** Names as published; the defaults too. */
export const nptConfigSchema = z
  .strictObject({
    rank: z.int().min(1).max(4096).default(8).describe('Rank of the update.'),
    modulation_scale: positiveFloat32().default(0.1).describe('s: modulations lie within ±s.'),
    init_scale: positiveFloat32()
      .default(0.01)
      .describe('A ~ N(0, (init_scale/√width)²), B ~ N(0, (init_scale/√rank)²).'),
    layers: z
      .union([z.enum(['all', 'upper_half', 'lower_half']), z.array(z.int().min(0))])
      .default('upper_half')
      .describe('Which blocks are plastic, by name or number from 0.'),
    attention_residual: z
      .boolean()
      .default(false)
      .describe(
        'False: attention acts through the modulation alone, as published. True: it is also added to the residual stream, so that without an update a block is exactly the base model’s.',
      ),
  })
  .describe('Fresh ones.')

/** The plastic blocks of a model folder; undefined where it has none. */
export async function readNptConfig(folder: string): Promise<NptConfig | undefined> {
  const path = join(folder, 'config.json')
  return checkJson(z.looseObject({ npt: nptConfigSchema.optional() }), await readJson(path), path).npt
}
