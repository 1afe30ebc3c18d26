/** @module */
import { readFile, writeFile } from 'node:fs/promises'

import { expect } from 'chai'

import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { UserError } from '../../src/errors.ts'
import type { Random } from '../../src/random.ts'

/** Reads every row of a data set. */
export function readAll(path: string): void {
  const dataset = openArrowDataset(path)
  try {
    for (let row = 0; row < dataset.size; row++) dataset.row(row)
  } finally {
    dataset.close()
  }
}

/** Changes one to three bytes of a data set, 400 times over: it is read, or refused with a UserError, as it often has to be. */
export async function expectDamageMet(path: string, random: Random): Promise<void> {
  const whole = await readFile(path)
  let refused = 0
  for (let run = 0; run < 400; run++) {
    const damaged = Buffer.from(whole)
    for (let i = 0; i <= run % 3; i++) damaged[random.integer(whole.length)] = random.integer(256)
    await writeFile(path, damaged)
    try {
      readAll(path)
    } catch (error) {
      expect(error).to.be.instanceOf(UserError)
      refused++
    }
  }
  expect(refused).to.be.greaterThan(100)
}
