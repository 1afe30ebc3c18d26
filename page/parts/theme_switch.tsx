/** @module */
import { effect, signal } from '@preact/signals'
import type { JSX } from 'preact'

import type { IconName } from './icons.tsx'
import { Icon } from './icons.tsx'

type Theme = 'light' | 'dark' | 'system'

const KEY = 'ortune.theme'

const themes: readonly { readonly name: Theme; readonly label: string; readonly icon: IconName }[] = [
  { name: 'light', label: 'Light', icon: 'sun' },
  { name: 'dark', label: 'Dark', icon: 'moon' },
  { name: 'system', label: 'As the system', icon: 'screen' },
]

/** `public/theme.js` has put the choice on the document already. */
const theme = signal<Theme>((document.documentElement.dataset['theme'] as Theme | undefined) ?? 'system')

effect(() => {
  const chosen = theme.value
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
  try {
    if (chosen === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, chosen)
  } catch {
    // Storage is closed to this page: the choice lasts as long as the page.
  }
})

/** Light, dark, or as the system has it; the choice is kept. */
export const ThemeSwitch = (): JSX.Element => (
  <fieldset class="theme">
    <legend class="unseen">Colours</legend>
    {themes.map(({ name, label, icon }) => (
      <label key={name} title={label}>
        <input
          class="unseen"
          type="radio"
          name="theme"
          value={name}
          checked={theme.value === name}
          onChange={() => (theme.value = name)}
        />
        <Icon name={icon} />
        <span class="unseen">{label}</span>
      </label>
    ))}
  </fieldset>
)
