/** @module */
import { constants } from 'node:fs'
import { copyFile, link } from 'node:fs/promises'

/**
 * A copy that stays what it is when the original changes, and shares its blocks on the disk where the file system can (Btrfs, XFS,
 * APFS).
 */
export const cloneFile = (from: string, to: string): Promise<void> =>
  copyFile(from, to, constants.COPYFILE_FICLONE)

/** A second name for a file of the same folder where the file system can, else a copy. */
export const linkOrCopy = (from: string, to: string): Promise<void> =>
  link(from, to).catch(() => copyFile(from, to))
