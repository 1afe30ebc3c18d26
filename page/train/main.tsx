/** The training page. @module */
import { render } from 'preact'

import { Shell } from '../parts/shell.tsx'

const Train = () => (
  <Shell>
    <h1>Teach a small language model something</h1>
    <p class="quiet">In this tab, without a server. Your texts never leave it.</p>
  </Shell>
)

render(<Train />, document.getElementById('page')!)
