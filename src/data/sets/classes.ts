/**
 * The classes of a data set, and the place of each among them.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { OddRows } from '../examples/odd_rows.ts'
import { readTolerantly } from '../examples/odd_rows.ts'
import { checkClassCount } from '../templates/class_count.ts'
import { canonicalLabel, compileLabelledText } from '../templates/labelled_text.ts'
import { sourceRows } from '../sources/source_rows.ts'
import type { DataSource, Drawn } from '../sources/source_rows.ts'
import type { LabelTemplate } from '../templates/template_source.ts'

/** In ascending order: as numbers where all are whole numbers, else by their characters' codes. */
export function sortClasses(labels: Iterable<string>): string[] {
  const sorted = [...labels].sort()
  return sorted.every((label) => /^-?\d+$/.test(label))
    ? sorted.sort((a, b) => Number(a) - Number(b))
    : sorted
}

/**
 * Reads the sources for the classes that occur in the training data.
 *
 * @param splits those that are drawn, by source
 * @throws UserError where there are fewer than two, or one occurs in other splits only
 */
export async function findClasses(
  sources: readonly (DataSource & { readonly template: LabelTemplate })[],
  splits: readonly (Drawn | undefined)[],
  oddRows: OddRows = 'error',
): Promise<string[]> {
  const train = new Set<string>()
  const elsewhere = new Map<string, string>()
  for (const [i, source] of sources.entries()) {
    const labelled = readTolerantly(compileLabelledText(source.template), oddRows, () => undefined)
    for await (const { row, split, where } of sourceRows(source, splits[i], oddRows)) {
      const label = labelled(row, where)?.label
      if (label === undefined) continue
      if (split === 'train') checkClassCount(train.add(label), source.template, where)
      else if (!elsewhere.has(label)) elsewhere.set(label, `${where}, is in ${split}`)
    }
  }
  if (train.size < 2) {
    const found = train.size === 1 ? `one class only, "${[...train][0]}"` : 'no labelled row'
    throw new UserError(
      `the training data has ${found}; a classifier needs at least two classes, so check the label and the split`,
    )
  }
  for (const [label, where] of elsewhere) {
    if (train.has(label)) continue
    throw new UserError(
      `the class "${label}" never occurs in the training data, but ${where}; add training rows of it, remove those rows, or list all classes as "classes"`,
    )
  }
  return sortClasses(train)
}

/** @throws UserError where given classes are fewer than two or one is given twice */
export function checkClasses(classes: readonly string[]): void {
  const labels = classes.map(canonicalLabel)
  const twice = classes.find((_, i) => labels.indexOf(labels[i]!) !== i)
  if (twice !== undefined) throw new UserError(`the class "${twice}" is given twice; remove one`)
  if (classes.length < 2) {
    throw new UserError(`classes names ${classes.length}; a classifier needs at least two`)
  }
}
