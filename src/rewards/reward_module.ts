/**
 * A user's own reward: a file whose default export scores samples.
 *
 * @example
 * // reward.ts: the shorter, the better
 * export default (samples: { prompt: string; response: string }[]) =>
 *   samples.map(({ response }) => -response.length / 100)
 *
 * @module
 */
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { UserError } from '../errors.ts'
import type { Outcome } from './foreign_code.ts'
import { runForeign } from './foreign_code.ts'
import { checkDigest, rewardName } from './reward_digest.ts'
import type { RewardFunction } from './reward_function.ts'
import type { RewardSample } from './reward_sample.ts'
import { sampleName } from './reward_sample.ts'
import type { RewardFile } from './reward_source.ts'

type Score = (samples: readonly RewardSample[]) => number[] | Promise<number[]>

/**
 * Loads the file. TypeScript is read by whoever of these there is: a loader that runs already, as in a clone; Node 22.18
 * or newer; the tsx that is installed beside the file.
 *
 * @param file its path is relative to the working directory
 * @param note is told which code runs, before it does
 * @throws UserError where the file is missing or another than is wanted, cannot be loaded, or exports no function as its default
 */
export async function openRewardModule(
  file: RewardFile,
  note?: (sentence: string) => void,
): Promise<RewardFunction> {
  const { function: path } = file
  const name = rewardName(path)
  const digest = await checkDigest(file, 'change its sha256')
  note?.(`runs ${name} of this run (SHA-256 ${digest})`)
  const loaded = await runForeign(name, () => load(resolve(path), name))
  if ('error' in loaded) throw loaded.error
  const module = loaded.value
  if (module.default === undefined)
    throw new UserError(`${name} has no default export; write "export default (samples) => …"`)
  if (typeof module.default !== 'function')
    throw new UserError(`${name} exports ${typeof module.default} as its default; export a function`)
  const own = module.default as Score
  // A copy: a function may do with its samples what it likes.
  const score = (samples: readonly RewardSample[]) => runForeign(name, () => own(structuredClone(samples)))

  return {
    name,
    score: async (samples) => {
      const outcome = await score(samples)
      if ('value' in outcome) return outcome.value
      const { error } = outcome
      const guilty = await firstThatFails(score, samples)
      const where = guilty ? sampleName(guilty) : `${samples.length} samples together`
      throw new UserError(`${name} failed on ${where}: ${messageOf(error)}`, { cause: error })
    },
    release: () => Promise.resolve(),
  }
}

interface Module {
  readonly default?: unknown
}

/** Codes of Node's errors where it reads no TypeScript, or not here, or not all of the language. */
const NEEDS_TSX = [
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
]

async function load(path: string, name: string): Promise<Module> {
  const url = pathToFileURL(path).href
  try {
    const module = await (import(url) as Promise<Module>).catch((error: unknown) => {
      if (!needsTsx(error)) throw error
      const tsx = findTsx(path)
      if (tsx === undefined) throw new UserError(`${name} ${withoutTsx(path, error)}`, { cause: error })
      return importByTsx(tsx, url)
    })
    // What tsx turns into CommonJS, for want of a "type" in package.json, has its exports one level down.
    const inner = module.default
    return typeof inner === 'object' && inner !== null && 'default' in inner ? inner : module
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`${name} cannot be loaded: ${messageOf(error)}`, { cause: error })
  }
}

/** The extension of a TypeScript file, at the end of a path or within a message. */
const TYPESCRIPT = /\.[cm]?tsx?\b/

/** Whether TypeScript is what Node stumbled over, in the file or in one that it imports. */
const needsTsx = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error &&
  NEEDS_TSX.includes((error as NodeJS.ErrnoException).code ?? '') &&
  (TYPESCRIPT.test(error.message) || error.message.includes('TypeScript'))

/** The tsx that a user has beside the file, in the working directory or beside ortune: its entry for ES modules. */
function findTsx(path: string): string | undefined {
  for (const from of [path, resolve('reward.ts'), import.meta.url]) {
    try {
      const require = createRequire(from)
      const { exports } = require('tsx/package.json') as { exports: TsxExports }
      return join(dirname(require.resolve('tsx/package.json')), exports['./esm/api'].import.default)
    } catch {
      continue
    }
  }
  return undefined
}

interface TsxExports {
  readonly './esm/api': { readonly import: { readonly default: string } }
}

/** Loads a file by tsx alone: what Node has failed to load keeps its failure under its own address. */
async function importByTsx(tsx: string, url: string): Promise<Module> {
  const { tsImport } = (await import(pathToFileURL(tsx).href)) as {
    readonly tsImport: (specifier: string, parent: string) => Promise<Module>
  }
  return tsImport(url, import.meta.url)
}

function withoutTsx(path: string, error: NodeJS.ErrnoException): string {
  const what = TYPESCRIPT.test(path) ? 'is TypeScript' : 'imports TypeScript'
  if (error.code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return (
      `${what}, which Node ${process.versions.node} does not read by itself: ` +
      'install tsx beside it (npm install tsx), write it in JavaScript (.mjs), or use Node 22.18 or newer'
    )
  return (
    `${what} that Node does not read by itself (${messageOf(error)}): ` +
    'install tsx beside it (npm install tsx), or write it in JavaScript (.mjs)'
  )
}

/** Of a batch that failed, the first sample that fails alone. */
async function firstThatFails(
  score: (samples: readonly RewardSample[]) => Promise<Outcome<number[]>>,
  samples: readonly RewardSample[],
): Promise<RewardSample | undefined> {
  for (const sample of samples) if ('error' in (await score([sample]))) return sample
  return undefined
}

/** Its first line, with the next one where it announces that. */
function messageOf(error: unknown): string {
  const [first, second = ''] = textOf(error).split('\n')
  return first!.endsWith(':') ? `${first} ${second.trim()}` : first!
}

/** Anything can be thrown, also what cannot be turned into text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return 'it threw an object without a message'
  }
}
