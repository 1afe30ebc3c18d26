/** @module */
import type { JSX } from 'preact'

import { chooseTask } from './examples.ts'
import { task, training } from './state.ts'
import { PAGE_TASKS, tasks } from './tasks.ts'

/** What is to be learned: one of a few. */
export const TaskChoice = (): JSX.Element => (
  <fieldset class="choices" disabled={training.value !== undefined}>
    <legend class="unseen">What it is to learn</legend>
    {PAGE_TASKS.map((name) => (
      <label class="choice" key={name}>
        <input
          class="unseen"
          type="radio"
          name="task"
          value={name}
          checked={task.value === name}
          onChange={() => chooseTask(name)}
        />
        <strong>{tasks[name].label}</strong>
        <span class="quiet small">{tasks[name].says}</span>
      </label>
    ))}
  </fieldset>
)
