/**
 * `npm run fuzz`: damages sound files in every way there is a name for, and has each read. Whatever is neither read nor
 * refused in one sentence, or takes more than 5 s or 1 GB, is written to a folder.
 *
 *     npm run fuzz                                             2,000 mutants for each reader, on two cores
 *     npm run fuzz -- --mutants 10000 --seed 7                 others, and more of them
 *     npm run fuzz -- --target json --seed 123 --mutant 45     one again; its file is written, whatever comes of it
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import type { Finding } from './fuzz.ts'
import { fuzz } from './fuzz.ts'
import { mutant } from './mutate.ts'
import type { TargetName } from './targets.ts'
import { TARGET_NAMES, targets } from './targets.ts'

const { values: options } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: [...TARGET_NAMES] },
    mutants: { type: 'string', default: '2000' },
    mutant: { type: 'string' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: join(tmpdir(), 'ortune-findings') },
  },
})
const seed = Number(options.seed)
const [from, to] =
  options.mutant === undefined
    ? [0, Number(options.mutants)]
    : [Number(options.mutant), Number(options.mutant) + 1]

/** The file that a finding is about. */
async function keep(target: TargetName, number: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-fuzz-'))
  try {
    const file = mutant(targets[target], await targets[target].samples(folder), seed, target, number)
    await mkdir(options.out, { recursive: true })
    const path = join(options.out, `${target.replaceAll(/\W/g, '_')}-${seed}-${number}`)
    await writeFile(path, file)
    return path
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One process for each core, which take the targets in turn. */
const waiting = options.target as TargetName[]
const findings: Finding[] = []
async function work(): Promise<void> {
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    const started = performance.now()
    const found = await fuzz({ target, seed, from, to })
    findings.push(...found)
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    process.stdout.write(`${target}: ${to - from} mutants in ${seconds} s, ${found.length} findings\n`)
    for (const { mutant, what } of found) {
      const path = await keep(target, mutant)
      process.stdout.write(
        `  --target ${JSON.stringify(target)} --seed ${seed} --mutant ${mutant}, ${path}\n`,
      )
      process.stdout.write(`    ${what.split('\n').slice(0, 6).join('\n    ').slice(0, 1000)}\n`)
    }
  }
}
if (options.mutant !== undefined)
  for (const target of waiting) process.stdout.write(`${await keep(target, from)}\n`)
await Promise.all(Array.from({ length: availableParallelism() }, work))
process.exitCode = findings.length > 0 ? 1 : 0
