/** @module */
import { fileAt } from '../../formats/disk_file.ts'
import type { Row } from '../row.ts'
import type { Leave } from './damaged_row.ts'
import { readRowsOf } from './rows_of.ts'
import type { ReadOptions } from './rows_of.ts'

/** Reads the file at a path as {@link readRowsOf} does. */
export const readRows = (path: string, options?: ReadOptions, leave?: Leave): AsyncGenerator<Row> =>
  readRowsOf(fileAt(path), options, leave)
