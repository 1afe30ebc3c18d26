/** @module */
import type { Section } from './said.ts'

/** Brings a section into view. */
export const jumpTo = (section: Section): void => document.getElementById(section)?.scrollIntoView()
