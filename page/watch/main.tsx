/** The watching page: how a run of the command line goes. @module */
import { render } from 'preact'

import { WatchPage } from './watch_page.tsx'

render(<WatchPage />, document.getElementById('page')!)
