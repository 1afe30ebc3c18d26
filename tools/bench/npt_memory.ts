/**
 * Rounds of NPT's phase 1 whose memory is to be watched: `npt_memory.ts <artifacts>`. GPT-2-small shape, the upper half
 * plastic. Without the memory arena, whose blocks double, a process holds what a step needs and no more.
 * @module
 */
import { openPhase1 } from './npt_phase1.ts'
import { turnDone, turns } from './paced.ts'
import { optimizerStep } from './steps.ts'

const ROW = 128
const SIZES = [
  { rank: 8, tokens: [512] },
  { rank: 16, tokens: [256, 512, 1024] },
  { rank: 64, tokens: [512] },
]

/** What a round did; 0 tokens: it opened the session and took a small step, after which the kernels have their buffers. */
export interface MemoryRound {
  readonly rank: number
  readonly tokens: number
}

const turn = turns()
const rounds: MemoryRound[] = []
for (const { rank, tokens } of SIZES) {
  await turn()
  const options = { memoryArena: false, prepacking: false }
  const { session, state, feeds } = await openPhase1(
    process.argv[2]!,
    { layers: 'upper_half', rank },
    options,
  )
  for (const count of [0, ...tokens]) {
    if (count > 0) await turn()
    await optimizerStep(session, feeds(Math.max(1, count / ROW), ROW), state)()
    rounds.push({ rank, tokens: count })
    turnDone()
  }
  await session.release()
}
process.stdout.write(`${JSON.stringify(rounds)}\n`)
process.exit()
