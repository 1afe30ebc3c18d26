/** @module */
import { visibleLines } from '../visible_text.ts'

/** What a model wrote: as it is for a file or another program, but for a person's terminal nothing moves the cursor. */
export const terminalText = (text: string): string => (process.stdout.isTTY ? visibleLines(text) : text)
