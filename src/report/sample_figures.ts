/**
 * The figures of sample texts as tables and pictures have them.
 * @module
 */
import type { SampleFigures } from '../evaluation/sample_texts.ts'

export const SAMPLE_FIGURES = [
  { key: 'length', title: 'tokens', digits: 0, ofMean: 1 },
  { key: 'cosine', title: 'cosine', digits: 3, ofMean: 3 },
  { key: 'entropy', title: 'entropy', digits: 2, ofMean: 2 },
  { key: 'bleu', title: 'BLEU', digits: 3, ofMean: 3 },
  { key: 'meteor', title: 'METEOR', digits: 3, ofMean: 3 },
] as const satisfies readonly { key: keyof SampleFigures; title: string; digits: number; ofMean: number }[]

/** A figure as text; – where there is none. */
export const figureText = (value: number | null, digits: number): string => value?.toFixed(digits) ?? '–'
