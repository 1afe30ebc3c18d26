/** @module */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const QUERY = ['--query-gpu=memory.used', '--format=csv,noheader,nounits']

/** Memory in use on the first NVIDIA card, MiB; undefined where there is none. */
function used(): number | undefined {
  const { status, stdout } = spawnSync('nvidia-smi', QUERY, { encoding: 'utf8' })
  return status === 0 ? Number(stdout.split('\n')[0]) : undefined
}

/** Runs a command, and gives its output and the most memory of the card that it took, MiB. */
export async function withDeviceMemory(
  command: string,
  args: readonly string[],
): Promise<{ readonly output: string; readonly deviceMiB: number | undefined }> {
  const before = used()
  let most = before
  const timer = setInterval(() => (most = before === undefined ? undefined : Math.max(most!, used()!)), 300)
  try {
    const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 1e8 })
    return { output: stdout, deviceMiB: before === undefined ? undefined : most! - before }
  } finally {
    clearInterval(timer)
  }
}
