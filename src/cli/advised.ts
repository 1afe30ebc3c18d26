/** @module */
import type { TrainingAdviser } from '../report/training_advice.ts'

/** Who watches a run's training and gives advice on standard error, beside the line that shows how it goes. */
export async function adviserOf(run: string): Promise<TrainingAdviser> {
  const { adviceFacts } = await import('../report/advice_facts.ts')
  const { trainingAdviser } = await import('../report/training_advice.ts')
  const clear = process.stderr.isTTY ? '\r\x1b[2K' : ''
  return trainingAdviser(await adviceFacts(run), (advice) => process.stderr.write(`${clear}${advice}\n`))
}
