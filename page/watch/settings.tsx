/** @module */
import type { JSX } from 'preact'

import { Card } from '../parts/card.tsx'

type Options = Readonly<Record<string, unknown>>

interface SettingsProps {
  /** Options of the run by their keys. */
  readonly chosen: Options
  /** Those that are as they are where nothing is said. */
  readonly defaults: Options
}

/** What a run was made with. */
export const Settings = ({ chosen, defaults }: SettingsProps): JSX.Element => (
  <Card title="Settings">
    <Leaves options={chosen} />
    <details class="settings-rest">
      <summary>As they are by default</summary>
      <Leaves options={defaults} />
    </details>
  </Card>
)

const Leaves = ({ options }: { readonly options: Options }): JSX.Element => (
  <dl class="settings">
    {leaves(options).map(([key, value]) => (
      <div key={key}>
        <dt>{key}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

/** Each value by its whole key, as it is given on the command line. */
function leaves(value: unknown, key = ''): readonly (readonly [key: string, value: string])[] {
  if (value === null || value === undefined) return []
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return [[key, value.join(', ')]]
  if (typeof value !== 'object') return [[key, typeof value === 'string' ? value : JSON.stringify(value)]]
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, key === '' ? name : `${key}.${name}`))
}
