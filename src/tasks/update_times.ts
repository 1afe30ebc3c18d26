/** @module */

/** Seconds under TRL's names, and the share that the loop's own sessions had of them; a reward's sessions are in `score`. */
export function updateTimes(
  task: string,
  seconds: Readonly<Record<string, number>>,
  total: number,
): Record<string, number> {
  const parts = ['generate', 'score', 'forward_pass', 'optimize_step']
  const named = parts.map((part) => [`time/${task}/${part}`, seconds[part] ?? 0] as const)
  const sessions = seconds['sessions'] ?? 0
  return {
    ...Object.fromEntries(named),
    [`time/${task}/total`]: total,
    [`time/${task}/sessions`]: sessions,
    [`time/${task}/session_share`]: sessions / total,
  }
}
