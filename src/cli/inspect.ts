/** @module */
import { Command } from 'commander'

/** `ortune inspect <path>` */
export const inspectCommand = (): Command =>
  new Command('inspect')
    .argument('<path>', 'folder, or .onnx file')
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune inspect runs/dictionary')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { inspect } = await import('../report/inspection.ts')
      const { renderInspection } = await import('../report/render_inspection.ts')
      const inspection = await inspect(path)
      process.stdout.write(json ? `${JSON.stringify(inspection)}\n` : renderInspection(inspection))
    })
