/**
 * What a run lacked room for, where an error of ONNX Runtime's says so.
 * @module
 */
import { UserError } from '../errors.ts'

const mebibytes = (bytes: string): string => Math.ceil(Number(bytes) / 2 ** 20).toLocaleString('en')

/** What ONNX Runtime's arenas say when they cannot grow, in the memory of `where`. */
export function arenaLacks(message: string, where: string): string | undefined {
  const refused = /[Ff]ailed to allocate (?:memory for requested|a) buffer of size (\d+)/.exec(message)
  if (refused) return `${where} has no room for a further ${mebibytes(refused[1]!)} MiB`
  return /bad_alloc|bad allocation|out of memory/i.test(message) ? `${where} has no memory left` : undefined
}

/** What WebGPU says of buffers that it does not make. */
export function webgpuLacks(message: string): string | undefined {
  const tooLarge = /(?:[Bb]uffer|[Bb]inding) size \((\d+)\).{1,80}?\((\d+)\)/.exec(message)
  if (tooLarge)
    return `a tensor of ${mebibytes(tooLarge[1]!)} MiB is larger than the ${mebibytes(tooLarge[2]!)} MiB that the GPU takes as one`
  if (/Too many storage buffers|\[Invalid Buffer/.test(message))
    return 'a tensor is larger than the GPU takes as one'
  return /out of memory/i.test(message) ? 'the GPU has no memory left' : undefined
}

/** A run that lacked something, in a sentence with the way out. */
export const lackError = (name: string, lack: string, cause: unknown): UserError =>
  new UserError(`${name}: ${lack}; use smaller batches or shorter sequences, or another provider`, { cause })
