/**
 * What tells a run's checkpoints from those of another: a digest of what it is trained from, on and with. Where that lies is left
 * out, so that equal runs have equal bytes.
 * @module
 */
import type { Manifest } from '../formats/manifest.ts'
import { INITIAL_FILE } from '../formats/manifest.ts'
import type { Digests } from '../formats/sealed.ts'
import { digestOfJson } from '../formats/sealed.ts'
import { WEIGHTS_FILE } from '../formats/weight_files.ts'
import { taskNamed } from '../tasks/index.ts'
import { without } from '../without.ts'
import type { RunConfig } from './config.ts'
import { taskOptions } from './learning_config.ts'
import { settingsOf } from './settings.ts'

/** A run's settings without the files that they name: the data has a fingerprint, models and plastic blocks their digests. */
export function placelessSettings(config: RunConfig): object {
  const settings = without(settingsOf(config, config.task), ['model', 'data', 'eval_data', 'npt', 'from'])
  const options = taskNamed(config.task).located?.(taskOptions(config), () => '')
  return options ? { ...settings, ...settingsOf({ [config.task]: options }, config.task) } : settings
}

/**
 * @param settings of {@link placelessSettings}
 * @param files digests of the run's files
 */
export const runIdentity = (
  { task, seed, head, lora, npt, data, began_with }: Omit<Manifest, 'files'>,
  settings: object,
  files: Digests,
): string =>
  digestOfJson({
    ...{ task, seed, head, lora, npt, data, began_with, settings },
    weights: [files[WEIGHTS_FILE], files[INITIAL_FILE]],
  })
