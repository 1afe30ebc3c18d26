/**
 * How many classes there may be.
 * @module
 */
import { quote } from '../../quote.ts'
import { TemplateFault } from '../examples/odd_rows.ts'
import type { LabelTemplate } from './template_source.ts'

/** Most classes; the largest sets of texts in classes have some thousand. */
const MOST_CLASSES = 10_000

/** @throws TemplateFault where labels that are found up to a row are too many for classes */
export function checkClassCount(found: ReadonlySet<string>, { label }: LabelTemplate, where: string): void {
  if (found.size > MOST_CLASSES)
    throw new TemplateFault(
      `${where}: the label ${quote(label)} has ${found.size} different values up to here, and a classifier has ${MOST_CLASSES} classes at most; is it an identifier? Name the column of the class`,
    )
}
