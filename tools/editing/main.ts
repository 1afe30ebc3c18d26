/**
 * Neuro-plastic learning judged as model editing is, beside baselines:
 *   npm run editing -- [--run runs/npt_consolidation] [--texts 1,10,100,1000] [--seeds 3] [--methods lora,…] [--json] [--out folder]
 *   npm run editing -- --choose [--run …] [--methods …]      how strongly each method edits, on validation facts
 *   npm run editing -- --from rows.jsonl --out folder         tables and picture of rows that `--json` printed
 * See docs/plasticity.md. `--json` prints a row for each model that was measured; `--out` writes `editing.md` and `editing.svg`.
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { openBench } from './bench.ts'
import { chosen, tried } from './choose.ts'
import type { Facts } from './facts.ts'
import { readFacts } from './facts.ts'
import type { Row } from './means.ts'
import { measuring } from './measures.ts'
import type { Bench } from './method.ts'
import type { MethodName } from './methods.ts'
import { METHOD_NAMES, methods } from './methods.ts'
import { neighboursAmong } from './neighbours.ts'
import { picture } from './picture.ts'
import { countsOfStreams, taught } from './stream.ts'
import { tables } from './tables.ts'

const { values } = parseArgs({
  options: {
    run: { type: 'string', default: 'runs/npt_consolidation' },
    texts: { type: 'string', default: '1,3,10,30,100,300,1000' },
    seeds: { type: 'string', default: '3' },
    methods: { type: 'string', default: METHOD_NAMES.join() },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
    from: { type: 'string' },
    choose: { type: 'boolean', default: false },
  },
})
const names = values.methods.split(',').map((name): MethodName => {
  if (!METHOD_NAMES.some((known) => known === name))
    throw new Error(`no method is called ${name}; there are ${METHOD_NAMES.join(', ')}`)
  return name as MethodName
})

/** Facts that are asked for at most. */
const MOST = 30

if (values.from !== undefined) await report(await readRows(values.from))
else await withBench(values.choose ? choose : edit)

async function withBench(use: (bench: Bench, facts: Facts) => Promise<void>): Promise<void> {
  const facts = await readFacts()
  const bench = await openBench(values.run, facts.known)
  try {
    await use(bench, facts)
  } finally {
    await bench.release()
  }
}

async function choose(bench: Bench, facts: Facts): Promise<void> {
  for (const name of names) {
    const all = []
    for await (const one of tried(bench, facts, name, methods[name])) {
      all.push(one)
      print(one)
    }
    if (all.length > 0) print({ chosen: chosen(all) })
  }
}

async function edit(bench: Bench, facts: Facts): Promise<void> {
  const { all } = measuring({
    ...{ model: bench.model, heldOut: facts.heldOut, most: MOST },
    neighbours: neighboursAmong(facts.known),
  })
  const counts = values.texts.split(',').map(Number)
  const rows: Row[] = []
  for (const name of names)
    for (const [seed, counted] of countsOfStreams(counts, Number(values.seeds)).entries()) {
      const method = methods[name]
      const strength = method.strength?.chosen ?? 1
      for await (const row of taught(bench, facts.test, all, {
        name,
        method,
        strength,
        seed,
        counts: counted,
      })) {
        rows.push(row)
        if (values.json) print(row)
      }
    }
  await report(rows)
}

async function readRows(path: string): Promise<Row[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Row)
}

async function report(rows: readonly Row[]): Promise<void> {
  if (!values.json) process.stdout.write(tables(rows))
  if (values.out === undefined) return
  await mkdir(values.out, { recursive: true })
  await writeFile(join(values.out, 'editing.md'), tables(rows))
  await writeFile(join(values.out, 'editing.svg'), await picture(rows))
}

function print(one: object): void {
  const short = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  process.stdout.write(`${JSON.stringify(one, short)}\n`)
}
