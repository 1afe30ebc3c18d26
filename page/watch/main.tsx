/** The watching page: how a run of the command line goes. @module */
import { render } from 'preact'

import { Shell } from '../parts/shell.tsx'

render(
  <Shell>
    <h1>A run</h1>
  </Shell>,
  document.getElementById('page')!,
)
