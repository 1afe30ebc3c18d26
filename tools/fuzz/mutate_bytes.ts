/**
 * Damage to bytes, whatever they mean.
 * @module
 */
import type { Random } from '../../src/random.ts'

type Damage = (file: Uint8Array, random: Random) => Uint8Array

/** Numbers at which formats break, as 1, 2, 4 or 8 bytes of either end first. */
const NUMBERS = [
  0n,
  1n,
  -1n,
  0x7fn,
  0x80n,
  0x7fffn,
  0x7fff_ffffn,
  0x8000_0000n,
  2n ** 53n,
  2n ** 60n,
  2n ** 63n - 1n,
]

const anywhere = (file: Uint8Array, random: Random): number => random.integer(file.length + 1)

const splice = (file: Uint8Array, from: number, to: number, ...between: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([file.subarray(0, from), ...between, file.subarray(to)])

/** A stretch, mostly short. */
function stretch(file: Uint8Array, random: Random): [from: number, to: number] {
  const from = anywhere(file, random)
  const length = random.integer(4) === 0 ? random.integer(file.length + 1) : random.integer(17)
  return [from, Math.min(file.length, from + length)]
}

const damages: readonly Damage[] = [
  function flipBit(file, random) {
    if (file.length === 0) return file
    const flipped = Uint8Array.from(file)
    flipped[random.integer(file.length)]! ^= 1 << random.integer(8)
    return flipped
  },
  function setByte(file, random) {
    if (file.length === 0) return file
    const set = Uint8Array.from(file)
    set[random.integer(file.length)] = random.integer(256)
    return set
  },
  function writeNumber(file, random) {
    const width = 2 ** random.integer(4)
    if (file.length < width) return file
    const written = Uint8Array.from(file)
    const whole = new DataView(new ArrayBuffer(8))
    const number = NUMBERS[random.integer(NUMBERS.length)]!
    const little = random.integer(4) > 0
    whole.setBigInt64(0, number, little)
    const bytes = new Uint8Array(whole.buffer, little ? 0 : 8 - width, width)
    written.set(bytes, random.integer(file.length - width + 1))
    return written
  },
  function truncate(file, random) {
    return file.subarray(0, anywhere(file, random))
  },
  function remove(file, random) {
    const [from, to] = stretch(file, random)
    return splice(file, from, to)
  },
  function insert(file, random) {
    const at = anywhere(file, random)
    const bytes = Uint8Array.from({ length: 1 + random.integer(16) }, () => random.integer(256))
    return splice(file, at, at, bytes)
  },
  function repeat(file, random) {
    const [from, to] = stretch(file, random)
    const times = 1 + random.integer(random.integer(20) === 0 ? 10_000 : 10)
    const part = file.subarray(from, to)
    return splice(
      file,
      to,
      to,
      ...Array.from({ length: Math.min(times, 1e6 / (part.length + 1)) }, () => part),
    )
  },
  function moveStretch(file, random) {
    const [from, to] = stretch(file, random)
    const at = anywhere(file, random)
    return splice(file, at, at, file.subarray(from, to))
  },
]

export const damageBytes: Damage = (file, random) => damages[random.integer(damages.length)]!(file, random)
