/** @module */

/** The files of what was dropped, those of folders with their paths. */
export async function droppedFiles(data: DataTransfer): Promise<File[]> {
  // The list is empty as soon as the event is over, so that all entries are taken at once.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  if (entries.length === 0) return [...data.files]
  return (await Promise.all(entries.map(filesOf))).flat()
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    )
    Object.defineProperty(file, 'webkitRelativePath', { value: entry.fullPath.replace(/^\//, '') })
    return [file]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const files: File[] = []
  // A reader gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return files
    files.push(...(await Promise.all(some.map(filesOf))).flat())
  }
}

/** The name of the folder that files lie in; undefined where they were chosen one by one. */
export const folderOf = (files: readonly File[]): string | undefined =>
  files.map(({ webkitRelativePath }) => webkitRelativePath.split('/')).find(({ length }) => length > 1)?.[0]
