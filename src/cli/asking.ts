/**
 * Questions to whoever sits at the terminal.
 * @module
 */

export interface Asking {
  /** Asks a question with a proposal, which an empty answer takes. */
  readonly ask: (question: string, proposal: string) => Promise<string>
  readonly close: () => void
}

/** What stands in for a person. */
export const takeProposals: Asking = {
  ask: (_, proposal) => Promise.resolve(proposal),
  close: () => undefined,
}

/** @throws UserError where the input ends before a question is answered */
export async function askInTerminal(): Promise<Asking> {
  const { createInterface } = await import('node:readline/promises')
  const { UserError } = await import('../errors.ts')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<never>((_, reject) =>
    lines.on('close', () =>
      reject(new UserError('init was ended before its questions were; nothing is written')),
    ),
  )
  ended.catch(() => undefined)
  return {
    async ask(question, proposal) {
      const shown = proposal === '' ? `${question}: ` : `${question} (${proposal}): `
      const answer = (await Promise.race([lines.question(shown), ended])).trim()
      return answer === '' ? proposal : answer
    },
    close: () => lines.close(),
  }
}
