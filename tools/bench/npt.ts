/**
 * Times steps of NPT's phase 1 at GPT-2-small shape: `npt.ts <artifacts> <layers> <steps>` prints one JSON line.
 * A process of its own, so that its peak memory is its own.
 * @module
 */
import { matmulFlops } from '../../graphs/flops.ts'
import { openPhase1 } from './npt_phase1.ts'
import { optimizerStep, reportSteps } from './steps.ts'

const BATCH = 4
const LENGTH = 128
const RANK = 16

const [folder, layers, steps] = [process.argv[2]!, process.argv[3] as 'all' | 'upper_half', process.argv[4]]
const { graph, session, state, feeds } = await openPhase1(folder, { layers, rank: RANK })
await reportSteps(optimizerStep(session, feeds(BATCH, LENGTH), state), {
  name: `npt-phase1-${layers}`,
  steps: Number(steps),
  tokens: BATCH * LENGTH,
  flops: matmulFlops(graph, { batch: BATCH, sequence: LENGTH }),
})
process.exit()
