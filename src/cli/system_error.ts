/**
 * What the operating system refuses, as a sentence.
 * @module
 */

/** By its code: what is the matter with the place, and what to do. */
const SENTENCES: Readonly<Record<string, (place: string) => string>> = {
  ENOSPC: (place) =>
    `there is no space left on the disk for ${place}; free some, or name a folder on another disk`,
  EDQUOT: (place) => `your quota of the disk is used up, so ${place} cannot be written; free some space`,
  EFBIG: (place) => `${place} would be larger than its file system or your limits allow; name another place`,
  EACCES: (place) => `${place} may not be opened or written; change its permissions, or name another place`,
  EPERM: (place) => `${place} may not be changed; look at its owner and attributes, or name another place`,
  EROFS: (place) => `${place} lies on a disk that can only be read; name another place`,
  ENAMETOOLONG: (place) => `the name ${place} is longer than the file system allows; give a shorter one`,
  ENOENT: (place) => `${place} does not exist, or no longer; check the path`,
  ENOTDIR: (place) => `a part of ${place} is a file where a folder is needed; check the path`,
  EISDIR: (place) => `${place} is a folder where a file is wanted; name the file in it`,
  EEXIST: (place) => `${place} is there already; move it, or name another place`,
  ENOTEMPTY: (place) =>
    `${place} holds files that came there meanwhile; see what else writes there, and try again`,
  ELOOP: (place) => `${place} is a link that leads to itself; check the path`,
  EMFILE: (place) => `too many files are open for ${place}; raise the limit (ulimit -n)`,
  ENFILE: (place) => `too many files are open on this machine for ${place}; close some programs`,
  EBUSY: (place) => `${place} is in use by another program; close it, and try again`,
  EIO: (place) => `the disk fails at ${place}; check it, or name another place`,
  ESTALE: (place) => `${place} is on a network disk that has gone; mount it again`,
  ENOMEM: () => 'there is not enough memory; close some programs, or give smaller batches',
  ENXIO: (place) => `${place} is a device or a pipe that nobody reads; name a file`,
}

/** A sentence for an error of the operating system, undefined for any other. */
export function systemError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, path, dest, syscall } = error as NodeJS.ErrnoException & { dest?: string }
  if (/Array buffer allocation failed|Invalid (typed )?array length/.test(error.message))
    return SENTENCES['ENOMEM']!('')
  if (code === 'ERR_INVALID_ARG_VALUE' && error.message.includes('without null bytes'))
    return 'a path has a character NUL in it; check the paths'
  if (code === undefined || syscall === undefined) return undefined
  const place = dest ?? path ?? 'the file that is being written'
  return (
    SENTENCES[code]?.(place) ??
    `${place} cannot be used (${code}, ${syscall}); check it, or name another place`
  )
}
