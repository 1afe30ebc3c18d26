/** @module */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import sirv from 'sirv'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

const ISOLATING = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/**
 * Serves folders on the loopback.
 *
 * @param folders by the path that they stand under
 * @param isolated whether pages get the headers that give them threads
 */
export async function serve(
  folders: Readonly<Record<string, string>>,
  { isolated }: { readonly isolated: boolean },
): Promise<Served> {
  const headers = Object.entries(isolated ? ISOLATING : {})
  const handlers = Object.entries(folders).map(([path, folder]) => ({
    path,
    handle: sirv(folder, {
      dev: true,
      setHeaders: (response) => headers.forEach(([name, value]) => response.setHeader(name, value)),
    }),
  }))
  const server = createServer((request, response) => {
    const found = handlers.find(({ path }) => request.url!.startsWith(path))!
    request.url = `/${request.url!.slice(found.path.length)}`
    found.handle(request, response, () => void response.writeHead(404).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
