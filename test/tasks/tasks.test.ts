import { TASK_NAMES } from '../../src/tasks/index.ts'
import { cases } from './cases.ts'
import { taskInvariants } from './invariants.ts'

for (const name of TASK_NAMES) taskInvariants(name, cases[name])
