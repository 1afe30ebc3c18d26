/** @module */
import type { JSX } from 'preact'

import type { WatchedRun } from '../../src/serve/watched.ts'
import { Card } from '../parts/card.tsx'
import { count, shortNumber } from '../parts/numbers.ts'
import { spoken } from './run_name.ts'

interface RunListProps {
  readonly kind: 'sweep' | 'curriculum'
  readonly runs: readonly WatchedRun[]
  /** The name of the one that is shown below. */
  readonly shown: string
}

/** The runs of a sweep, or the stages of a curriculum, to choose one. */
export function RunList({ kind, runs, shown }: RunListProps): JSX.Element {
  const metric = runs.find(({ metric }) => metric !== null)?.metric
  return (
    <Card title={kind === 'sweep' ? 'Runs of this sweep' : 'Stages of this curriculum'}>
      <div class="table-frame" role="region" aria-label="Runs" tabIndex={0}>
        <table class="run-list">
          <thead>
            <tr>
              <th scope="col">{kind === 'sweep' ? 'run' : 'stage'}</th>
              <th scope="col">step</th>
              <th scope="col">{metric ? `best ${metric}` : 'best'}</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <tr key={run.name}>
                <th scope="row">
                  <a
                    href={`#${encodeURIComponent(run.name)}`}
                    aria-current={run.name === shown ? 'true' : undefined}
                  >
                    {spoken(run.name)}
                  </a>
                  {run.running && (
                    <span class="pill" data-standing="running">
                      running
                    </span>
                  )}
                </th>
                <td>{run.step === null ? '–' : count(run.step)}</td>
                <td>{run.best === null ? '–' : shortNumber(run.best)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}
