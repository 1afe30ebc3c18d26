/** @module */
import { UserError } from '../../src/errors.ts'
import { textTable } from '../../src/metrics/text_table.ts'
import type { Compared } from './correctness.ts'
import type { Timed } from './speed.ts'
import { isRight } from './correctness.ts'

/** How a case went; where the device refused it, why; where it failed, how. */
export type Outcome = Compared | { readonly refused: string } | { readonly failed: string }

/** What comes of a case, whatever happens. */
export async function outcome(work: () => Promise<Compared>): Promise<Outcome> {
  try {
    return await work()
  } catch (error) {
    const { message } = error as Error
    return error instanceof UserError ? { refused: message } : { failed: message }
  }
}

/** Whether some were right, and all that were not refused. */
export const isSound = (outcomes: readonly Outcome[]): boolean =>
  (outcomes.length === 0 || outcomes.some((one) => 'loss' in one)) &&
  outcomes.every((one) => 'refused' in one || ('loss' in one && isRight(one)))

/** A row for each case, and below the table what became of those without figures. */
export function correctnessTable(outcomes: Readonly<Record<string, Outcome>>): string {
  const entries = Object.entries(outcomes)
  if (entries.length === 0) return ''
  const rows = entries.map(([name, one]) => [name, ...cells(one)])
  const reasons = entries.flatMap(([name, one]) =>
    'loss' in one ? [] : [`${name}: ${'refused' in one ? one.refused : one.failed}\n`],
  )
  const header = ['case', 'steps', 'loss', 'gradient', 'within', 'ms/step', 'as the CPU']
  return [textTable([header, ...rows]), ...reasons].join('')
}

function cells(one: Outcome): string[] {
  if (!('loss' in one)) return ['', '', '', '', '', 'refused' in one ? 'refused' : 'FAILED']
  const { steps, loss, gradient, within, secondsPerStep } = one
  return [
    String(steps),
    loss.toExponential(1),
    gradient.toExponential(1),
    within.toExponential(0),
    (1000 * secondsPerStep).toFixed(0),
    isRight(one) ? 'yes' : 'NO',
  ]
}

/** A row for each side and shape; speeds beside PyTorch's in bfloat16 at the same shape. */
export function speedTable(timed: readonly Timed[]): string {
  if (timed.length === 0) return ''
  const header = ['LoRA step', 'shape', 'loss', 'ms/step', 'tok/s', '× PyTorch bf16', 'MiB of the card']
  const rows = timed.map(({ name, rows: count, length, loss, secondsPerStep, deviceMiB, failed }) => {
    const peer = timed.find(
      (one) => one.name === 'PyTorch, bf16' && one.rows === count && one.length === length,
    )
    const shape = `${count} × ${length}`
    if (failed !== undefined) return [name, shape, 'failed', '', '', '', '']
    return [
      ...[name, shape, loss.toFixed(4), (1000 * secondsPerStep).toFixed(1)],
      ((count * length) / secondsPerStep).toFixed(0),
      peer ? (peer.secondsPerStep / secondsPerStep).toFixed(2) : '',
      deviceMiB?.toFixed(0) ?? '',
    ]
  })
  const reasons = timed.flatMap(({ name, failed }) => (failed === undefined ? [] : [`${name}: ${failed}\n`]))
  return [textTable([header, ...rows]), ...reasons].join('')
}
