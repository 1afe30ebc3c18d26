/** @module */
import { join } from 'node:path'

/** The file that says which process trains the run in a folder. */
export const lockOf = (run: string): string => join(run, '.lock')
