/** @module */
import { workerFailed, workshop } from './workshop.ts'
import { showRun } from './learning.ts'
import { openModel, refreshKept, remembered } from './models.ts'
import { attempt } from './said.ts'
import { facility, models, room, runs } from './state.ts'

/** What is small enough is opened without being asked for. */
const SMALL = 32e6

/** Starts the worker, looks at what is kept, and goes on where one was. */
export const begin = (): Promise<boolean> =>
  attempt('page', async () => {
    const asked = new URLSearchParams(location.search).get('provider')
    const provider = asked === 'wasm' || asked === 'webgpu' ? asked : 'auto'
    facility.value = await Promise.race([workshop.start(provider), workerFailed])
    room.value = facility.value.room
    await attempt('kept', refreshKept)
    const unfinished = runs.value.findLast(({ state }) => state === 'stopped')
    if (unfinished) void showRun(unfinished.name)
    const [first] = models.value
    const model = models.value.find(({ id }) => id === remembered()) ?? first
    if (model && (model.kept || (model.bytes ?? Infinity) <= SMALL)) await openModel(model.id)
  })
