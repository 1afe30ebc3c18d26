/** @module */
import { Option } from 'commander'

import type { CheckpointName } from '../models/find_model.ts'

const choices = ['best', 'last', 'base'] satisfies CheckpointName[]

/** `--checkpoint`, of the commands that take a run. */
export const checkpointOption = (): Option =>
  new Option('--checkpoint <name>', 'of a run; base is the model before training (default: best)').choices(
    choices,
  )
