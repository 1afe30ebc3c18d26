/**
 * Runs the `ortune` command: in a process of its own, as users do, or in this one, which is quicker.
 * @module
 */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

const command = join(import.meta.dirname, '..', '..', 'src', 'cli', 'ortune.mjs')

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `ortune …args` in a folder, within this process. */
export async function runHere(folder: string, ...args: string[]): Promise<Outcome> {
  // The commands import their modules when they run; so must this, or mocha loads a second copy of each.
  const { main } = await import('../../src/cli/main.ts')
  const before = process.cwd()
  process.chdir(folder)
  const stdout = capture(process.stdout)
  const stderr = capture(process.stderr)
  try {
    await main(['node', 'ortune', ...args])
    return { code: Number(process.exitCode ?? 0), stdout: stdout.end(), stderr: stderr.end() }
  } finally {
    stdout.end()
    stderr.end()
    process.exitCode = undefined
    process.chdir(before)
  }
}

/** Keeps what is written to a stream, until `end` returns it. */
function capture(stream: NodeJS.WriteStream): { end: () => string } {
  const original = stream.write.bind(stream)
  let written = ''
  stream.write = (text) => Boolean((written += String(text)))
  return {
    end() {
      stream.write = original
      return written
    },
  }
}

/** Runs `ortune …args` in a folder, in a process of its own. */
export function runAlone(folder: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 2 ** 26 }
    const child = execFile(process.execPath, [command, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** The names of everything in a folder, hidden files too. */
export const listing = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).sort()
