/** What was trained, to choose from. @module */
import type { JSX } from 'preact'

import type { AdapterEntry, RunEntry, Trained } from '../worker/workshop.ts'

/** As the value of an option: `run/words`. */
export const trainedKey = ({ kind, name }: Trained): string => `${kind}/${name}`

export function trainedOf(key: string): Trained | undefined {
  const at = key.indexOf('/')
  const kind = key.slice(0, at)
  return kind === 'run' || kind === 'adapter' ? { kind, name: key.slice(at + 1) } : undefined
}

interface TrainedOptionsProps {
  readonly runs: readonly RunEntry[]
  readonly adapters: readonly AdapterEntry[]
}

export const TrainedOptions = ({ runs, adapters }: TrainedOptionsProps): JSX.Element => (
  <>
    {runs.length > 0 && (
      <optgroup label="Runs">
        {runs.map((run) => (
          <option key={run.name} value={trainedKey({ kind: 'run', name: run.name })}>
            {run.name}, step {run.step}
          </option>
        ))}
      </optgroup>
    )}
    {adapters.length > 0 && (
      <optgroup label="Adapters">
        {adapters.map(({ name }) => (
          <option key={name} value={trainedKey({ kind: 'adapter', name })}>
            {name}
          </option>
        ))}
      </optgroup>
    )}
  </>
)
