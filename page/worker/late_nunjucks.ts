/**
 * nunjucks, which few templates need, where one does: most have texts and columns alone. The build gives it to
 * `src/data/templates/template_part.ts` in place of what loads nunjucks at once (`page/lighter.ts`).
 * @module
 */
import type { Program } from '../../src/data/templates/program.ts'

type Programs = typeof import('../../src/data/templates/nunjucks_program.ts')

let programs: Programs | undefined

/** Says that a template needs nunjucks; {@link withNunjucks} takes it. */
class NeedsNunjucks extends Error {}

export function nunjucksProgram(source: string, part: string): Program {
  if (!programs) throw new NeedsNunjucks(`the ${part} template needs nunjucks, and it has not been loaded`)
  return programs.nunjucksProgram(source, part)
}

/** Acts, and anew with nunjucks where a template needs it. What fails must leave nothing behind. */
export async function withNunjucks<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NeedsNunjucks)) throw error
    programs = await import('../../src/data/templates/nunjucks_program.ts')
    return act()
  }
}
