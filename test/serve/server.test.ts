import { mkdir, open, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import { folderRoute } from '../../src/serve/folder.ts'
import { openServer } from '../../src/serve/server.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'
import { ask, withServer } from './asking.ts'
import { itWhere } from '../it_where.ts'

/** A page, with what must not be seen beside it and in it. */
async function withPage<T>(use: (folder: string, page: string) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const page = join(folder, 'page')
    await mkdir(join(page, 'assets'), { recursive: true })
    await writeFile(join(folder, 'secret.txt'), 'secret')
    await mkdir(join(folder, 'page-of-others'))
    await writeFile(join(folder, 'page-of-others', 'secret.txt'), 'secret')
    await writeFile(join(page, 'index.html'), '<title>page</title>')
    await writeFile(join(page, 'reward.html'), '<title>reward</title>')
    await writeFile(join(page, 'assets', 'a.js'), '0123456789')
    await writeFile(join(page, 'empty.txt'), '')
    await writeFile(join(page, '.env'), 'secret')
    await mkdir(join(page, '.git'))
    await writeFile(join(page, '.git', 'config'), 'secret')
    await symlink(join(folder, 'secret.txt'), join(page, 'link.txt'))
    await symlink(folder, join(page, 'up'))
    await symlink(join(page, 'assets', 'a.js'), join(page, 'inner.js'))
    return use(folder, page)
  })
}

const withServedPage = (use: (url: string, page: string) => Promise<void>) =>
  withPage((_, page) => withServer([folderRoute(page, { index: 'index.html' })], (url) => use(url, page)))

describe('the server of pages', () => {
  it('says with every answer what a page may do', () =>
    withServedPage(async (url) => {
      for (const [path, status] of [
        ['/', 200],
        ['/index.html', 200],
        ['/assets/a.js', 200],
        ['/nowhere', 404],
        ['/../secret.txt', 404],
      ] as const) {
        const { status: found, headers } = await ask(url, path)
        expect(found, path).to.equal(status)
        expect(headers, path).to.include({
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-embedder-policy': 'require-corp',
          'cross-origin-resource-policy': 'same-origin',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
        })
        const policy = headers['content-security-policy'] as string
        expect(policy, path).to.match(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/)
        expect(policy, path)
          .to.include("connect-src 'self'")
          .and.not.to.match(/unsafe-inline|unsafe-eval'.*unsafe-eval| \*|https?:/)
        expect(headers, path).not.to.have.any.keys('access-control-allow-origin', 'server', 'x-powered-by')
      }
      const policy = (await ask(url, '/reward.html')).headers['content-security-policy']
      expect(policy).to.match(
        /^sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:/,
      )
      expect(policy).not.to.match(/connect-src|allow-same-origin/)
      for (const near of ['/assets/reward.html', '//reward.html', '/x/../reward.html'])
        expect((await ask(url, near)).headers['content-security-policy'], near).not.to.include('sandbox')
    }))

  it('gives files with their types, and not again where they are known', () =>
    withServedPage(async (url) => {
      const page = await ask(url, '/')
      expect(page.text).to.equal('<title>page</title>')
      expect(page.headers['content-type']).to.match(/^text\/html; ?charset=utf-8$/)
      const script = await ask(url, '/assets/a.js?v=1#x')
      expect([script.text, script.headers['content-type']]).to.deep.equal(['0123456789', 'text/javascript'])
      const again = await ask(url, '/assets/a.js', { headers: { 'If-None-Match': script.headers.etag! } })
      expect([again.status, again.text]).to.deep.equal([304, ''])
      expect((await ask(url, '/inner.js')).text).to.equal('0123456789')
    }))

  it('gives parts of files, and survives ranges that are none', () =>
    withServedPage(async (url) => {
      const range = async (Range: string, path = '/assets/a.js') => {
        const { status, text } = await ask(url, path, { headers: { Range } })
        return [status, text]
      }
      expect(await range('bytes=2-4')).to.deep.equal([206, '234'])
      expect(await range('bytes=7-')).to.deep.equal([206, '789'])
      expect(await range('bytes=7-99')).to.deep.equal([206, '789'])
      expect((await range('bytes=20-'))[0]).to.equal(416)
      for (const wrong of [
        'bytes=5-2',
        'bytes=-3',
        'bytes=a-b',
        'bytes=0-1,3-4',
        'lines=1-2',
        `bytes=${'9'.repeat(400)}-`,
      ])
        expect(await range(wrong), wrong).to.deep.equal([200, '0123456789'])
      expect((await range('bytes=0-', '/empty.txt'))[0]).to.equal(416)
      expect((await ask(url, '/')).status).to.equal(200)
    }))

  it('gives nothing that lies outside, is hidden, or is no file, however it is asked for', () =>
    withServedPage(async (url, page) => {
      for (const path of [
        ...[
          '/../secret.txt',
          '/..%2fsecret.txt',
          '/%2e%2e/secret.txt',
          '/%2e%2e%2fsecret.txt',
          '/..%5csecret.txt',
        ],
        ...[
          '/%252e%252e/secret.txt',
          '/assets/../../secret.txt',
          '/assets/..%2f..%2fsecret.txt',
          '/..\\secret.txt',
        ],
        ...[
          '/../page-of-others/secret.txt',
          '//secret.txt',
          '///etc/passwd',
          '/%2fetc/passwd',
          '//etc/passwd',
        ],
        ...[
          '/%00',
          '/index.html%00',
          '/index.html%00.js',
          '/%',
          '/%zz',
          '/%c0%ae%c0%ae/secret.txt',
          '/....//secret.txt',
        ],
        ...['/.env', '/%2eenv', '/.git/config', '/assets/../.env', '/./index.html', '/.'],
        ...['/link.txt', '/up/secret.txt', '/up/page-of-others/secret.txt'],
        ...[
          '/assets',
          '/assets/',
          '/up',
          '/index.html/',
          '/INDEX.HTML.bak',
          '/index.html::$DATA',
          '/C:/secret.txt',
        ],
        ...[`http://127.0.0.1${join(page, '..', 'secret.txt')}`, 'secret.txt', '*', `/${'a/'.repeat(3000)}`],
      ]) {
        const { status, text } = await ask(url, path)
        expect(status, path).to.be.oneOf([400, 404])
        expect(text, path).not.to.include('secret')
      }
    }))

  it('answers GET and HEAD alone', () =>
    withServedPage(async (url) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
        const { status, headers } = await ask(url, '/index.html', { method })
        expect([status, headers.allow], method).to.deep.equal([405, 'GET, HEAD'])
      }
      const { status, text, headers } = await ask(url, '/', { method: 'HEAD' })
      expect([status, text, headers['content-length']]).to.deep.equal([200, '', '19'])
    }))

  it('answers to no name that another site may have given this machine', () =>
    withServedPage(async (url) => {
      const { port } = new URL(url)
      const status = async (Host: string) => (await ask(url, '/', { headers: { Host } })).status
      for (const name of [
        'evil.example',
        `evil.example:${port}`,
        'localhost.evil.example',
        '127.0.0.1.evil.example',
        'evillocalhost',
        'a b',
        '[::1',
      ])
        expect(await status(name), name).to.be.oneOf([400, 403])
      for (const name of ['localhost', `LOCALHOST:${port}`, 'page.localhost', '127.0.0.1:1', `[::1]:${port}`])
        expect(await status(name), name).to.equal(200)
    }))

  it('answers to the name that it was asked to listen on', () =>
    withPage((_, page) =>
      withServer(
        [folderRoute(page, { index: 'index.html' })],
        async (url) => {
          expect(url).to.match(/^http:\/\/localhost:\d+\/$/)
          expect((await ask(url, '/')).status).to.equal(200)
        },
        { host: 'localhost' },
      ),
    ))

  it('survives what is no request', () =>
    withServedPage(async (url) => {
      const raw = (text: string) =>
        new Promise<string>((resolve) => {
          let said = ''
          const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
          socket.on('data', (part) => (said += String(part)))
          socket.on('close', () => resolve(said))
          socket.on('error', () => undefined)
        })
      expect(await raw('nonsense\r\n\r\n')).to.match(/^HTTP\/1\.1 400/)
      expect(await raw('GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n')).to.match(/^HTTP\/1\.1 403/)
      expect(await raw('GET / HTTP/1.0\r\n\r\n')).to.match(/^HTTP\/1\.1 403/)
      await raw('CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect((await ask(url, '/')).status).to.equal(200)
    }))

  it('says so where a file goes while it is served', () =>
    withServedPage(async (url, page) => {
      expect((await ask(url, '/assets/a.js')).status).to.equal(200)
      await rm(join(page, 'assets', 'a.js'))
      expect((await ask(url, '/assets/a.js')).status).to.equal(404)
    }))

  itWhere(process.platform === 'linux', 'what is open is read in /proc')(
    'keeps no file open for those who have gone, or asked for its size alone',
    () =>
      withServedPage(async (url, page) => {
        const large = await open(join(page, 'large.bin'), 'w')
        await large.truncate(2 ** 32)
        await large.close()
        const openFiles = async () =>
          (
            await Promise.all(
              (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
            )
          ).filter((path) => path.endsWith('large.bin')).length
        const head = await ask(url, '/large.bin', { method: 'HEAD' })
        expect([head.status, head.headers['content-length'], head.text]).to.deep.equal([
          200,
          String(2 ** 32),
          '',
        ])
        for (let i = 0; i < 20; i++) {
          const gone = new AbortController()
          const response = await fetch(new URL('large.bin', url), { signal: gone.signal })
          await response.body!.getReader().read()
          gone.abort()
        }
        for (let i = 0; i < 100 && (await openFiles()) > 0; i++) await setTimeout(20)
        expect(await openFiles()).to.equal(0)
      }),
  )

  it('takes the next port where none was asked for, and says which one is taken where one was', async () => {
    await withServer([], (first) =>
      withServer([], async (second) => {
        expect(second).not.to.equal(first)
        const port = Number(new URL(first).port)
        const error = await rejection(openServer([], { port }))
        expect(error.name).to.equal('UserError')
        expect(error.message).to.equal(
          `port ${port} of 127.0.0.1 is taken by another program; name another by --port, or leave --port out`,
        )
      }),
    )
  })

  it('says so where a host is none of this machine', async () => {
    for (const host of ['203.0.113.7', 'no-such-host.invalid']) {
      const error = await rejection(openServer([], { host, port: 45_871 }))
      expect([error.name, error.message]).to.satisfy(
        ([name, message]: string[]) =>
          name === 'UserError' && message!.startsWith(`--host ${host} is no name`),
      )
    }
    expect((await rejection(openServer([], { host: ' ' }))).message).to.match(
      /^--host is empty; leave it out/,
    )
  })
})
