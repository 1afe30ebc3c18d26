/** Starting, pausing and resuming runs, and what they tell meanwhile. @module */
import { proxy } from 'comlink'

import type { EvaluationRecord, StepRecord, TabLogRecord } from '../../src/web.ts'
import { connectSandbox, workshop } from './workshop.ts'
import { filled } from './form.ts'
import { openModel, refreshKept } from './models.ts'
import { attempt, said } from './said.ts'
import { settingsOf, userError } from './settings.ts'
import * as state from './state.ts'
import type { Scored } from './state.ts'
import { tasks } from './tasks.ts'

/** In milliseconds: the page draws what came meanwhile so often. */
const DRAW = 200
/** Steps that the pace is measured over. */
const LATELY = 20
/** Responses that are shown. */
const RESPONSES = 6

export const startRun = (): Promise<boolean> =>
  attempt('learn', async () => {
    const { source, task, reward } = state
    if (state.preparing.value || state.training.value !== undefined) return
    if (!source.value) throw userError('there are no examples yet; take a sample, or give some of your own')
    const name = state.form.name.value.trim() || freeName(source.value.name)
    if (task.value === 'ppo') await connectSandbox()
    const request = {
      ...{ name, task: task.value, settings: settingsOf(filled()), source: source.value },
      ...(task.value === 'ppo' ? { reward: reward.value } : {}),
    }
    state.preparing.value = true
    try {
      await workshop.createRun(request)
      state.form.name.value = ''
      await refreshKept()
    } finally {
      state.preparing.value = false
    }
    await train(name)
  })

export const resumeRun = (name: string): Promise<boolean> =>
  attempt('learn', async () => {
    const run = state.runs.value.find((one) => one.name === name)
    if (run && !(await openModel(run.model)))
      throw userError(`the model of ${name} could not be opened, as is said where models are`)
    await train(name)
  })

export const pauseRun = (): Promise<boolean> =>
  attempt('learn', async () => {
    state.pausing.value = true
    await workshop.pause()
  })

export const showRun = (name: string): Promise<boolean> =>
  attempt('learn', async () => {
    if (state.training.value === name) return void (state.shown.value = name)
    const log = await workshop.log(name)
    show(name, log)
  })

export const removeRun = (name: string): Promise<boolean> =>
  attempt('kept', async () => {
    await workshop.removeRun(name)
    if (state.shown.value === name) {
      state.shown.value = undefined
      state.records.value = []
    }
    const { value: after } = state.after
    if (after?.kind === 'run' && after.name === name) state.after.value = undefined
    await refreshKept()
  })

function show(name: string, log: readonly TabLogRecord[]): void {
  state.shown.value = name
  state.plan.value = undefined
  state.records.value = log
  state.scored.value = []
  state.notes.value = []
}

async function train(name: string): Promise<void> {
  if (state.training.value !== undefined) return
  state.training.value = name
  const gathered = gather()
  try {
    show(name, await workshop.log(name))
    state.pace.value = undefined
    if (state.shownRun.value?.reward !== undefined) await connectSandbox()
    const run = await workshop.train(
      name,
      proxy({
        start({ fromStep, totalSteps }: { fromStep: number; totalSteps: number }) {
          // What was logged beyond the checkpoint is done again.
          gathered.begin(state.records.value.filter(({ step }) => step <= fromStep))
          state.plan.value = { fromStep, totalSteps }
        },
        step: gathered.step,
        evaluation: gathered.evaluation,
        note: (sentence: string) => void (state.notes.value = [...state.notes.value, sentence]),
        responses: (some: readonly Scored[]) =>
          void (state.scored.value = [...some, ...state.scored.value].slice(0, RESPONSES)),
      }),
    )
    said.learn.value = {
      kind: 'info',
      text:
        run.state === 'finished'
          ? `${name} has learned all its ${run.steps} steps.`
          : `${name} is paused at step ${run.step}; it goes on from there, after a reload too.`,
    }
    if (tasks[state.task.value].writes) state.after.value = { kind: 'run', name }
  } finally {
    gathered.end()
    // What is shown of the run is then where it stands, if that can be found.
    await attempt('kept', refreshKept)
    state.training.value = undefined
    state.pausing.value = false
  }
}

/** Records as they come, drawn together a few times a second. */
function gather() {
  let all: TabLogRecord[] = []
  let lately: { readonly at: number; readonly tokens: number }[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const draw = () => {
    timer = undefined
    state.records.value = [...all]
    const [first, last] = [lately[0], lately.at(-1)]
    if (!first || !last || last.at === first.at) return
    const seconds = (last.at - first.at) / 1000
    const tokens = lately.slice(1).reduce((sum, one) => sum + one.tokens, 0)
    state.pace.value = { steps: (lately.length - 1) / seconds, tokens: tokens / seconds }
  }
  const soon = () => void (timer ??= setTimeout(draw, DRAW))
  return {
    begin(known: readonly TabLogRecord[]) {
      all = [...known]
      soon()
    },
    step: (record: StepRecord) => {
      all.push(record)
      lately = [...lately.slice(1 - LATELY), { at: performance.now(), tokens: record.tokens }]
      soon()
    },
    evaluation: (record: EvaluationRecord) => {
      all.push(record)
      soon()
    },
    end() {
      clearTimeout(timer)
      if (all.length > 0) draw()
    },
  }
}

/** `dictionary 2`, where there is a `dictionary 1`. */
function freeName(file: string): string {
  const stem = file.replace(/\.\w+$/, '').replaceAll('_', ' ')
  const taken = new Set(state.keptRuns.value.map(({ name }) => name))
  for (let n = 1; ; n++) if (!taken.has(`${stem} ${n}`)) return `${stem} ${n}`
}
