/** @module */
import { Command } from 'commander'

/** `ortune prepare config.yaml key=value …` */
export const prepareCommand = (): Command =>
  new Command('prepare')
    .description("read a run's data as training would: counts, lengths and an example, without training")
    .argument('<config>', 'YAML file with the options of the run')
    .argument('[overrides...]', 'options given on the command line, such as max_length=128')
    .option('--out <folder>', 'keep the Arrow files there')
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune prepare data/dictionary.yaml max_length=128')
    .action(async (path: string, overrides: string[], { out, json }: { out?: string; json?: boolean }) => {
      const { readConfigFile } = await import('./config_file.ts')
      const { dataTable } = await import('../report/data_table.ts')
      const { tryData } = await import('../training/prepare_data.ts')
      const report = await tryData(await readConfigFile(path, overrides), out)
      if (json) {
        process.stdout.write(`${JSON.stringify({ out: out ?? null, ...report })}\n`)
        return
      }
      const { given, learned } = report.sample
      process.stdout.write(
        `${dataTable(report.splits)}\nan example\n  given    ${JSON.stringify(given)}\n  learned  ${JSON.stringify(learned)}\n`,
      )
    })
