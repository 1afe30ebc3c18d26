/** What tests do on the page, as a person would. @module */
import type { BrowserContext, Page } from 'playwright-core'

const PATIENCE = 120_000

/** A section of the page by its heading. */
export const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

/** Opens the page, and waits until its model is there. */
export async function openPage(
  context: BrowserContext,
  url: string,
  provider: 'wasm' | 'webgpu' = 'wasm',
): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE)
  await page.goto(`${url}?provider=${provider}`)
  await section(page, 'Model').getByText('open', { exact: true }).waitFor()
  return page
}

export const chooseTask = (page: Page, name: string) =>
  page.getByRole('radio', { name: new RegExp(`^${name}`) }).check({ force: true })

export async function takeSample(page: Page, name: string): Promise<void> {
  await section(page, 'Examples').getByRole('button', { name, exact: true }).click()
  await page.getByText('Token by token').waitFor()
}

/** Pastes a text as examples. */
export async function paste(page: Page, text: string): Promise<void> {
  const examples = section(page, 'Examples')
  const field = examples.getByLabel('Examples', { exact: true })
  if (!(await field.isVisible())) await examples.getByText('Paste some').click()
  await field.fill(text)
  await examples.getByRole('button', { name: 'Take these' }).click()
}

export async function start(page: Page, settings: Readonly<Record<string, string>>): Promise<void> {
  const learn = section(page, 'Learn')
  for (const [label, value] of Object.entries(settings))
    await learn.getByLabel(label, { exact: true }).fill(value)
  await learn.getByRole('button', { name: 'Start learning' }).click()
}

export const learned = (page: Page, name: string) =>
  page.getByText(`${name} has learned all`, { exact: false }).waitFor()

/** The step that is shown. */
export const stepOf = async (page: Page): Promise<number> =>
  Number(await section(page, 'Learn').getByRole('progressbar').getAttribute('value'))
