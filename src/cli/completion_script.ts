/**
 * Scripts by which shells complete `ortune`: commands, their options and what these may be, YAML files and keys of a run.
 * @module
 */
import type { JsonSchema } from '../json_schema.ts'
import { mappingsOf } from '../schema_words.ts'

export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  /** Whether it takes a YAML file and keys of a run. */
  readonly configures: boolean
}

export interface CompletedOption {
  /** Such as `--split`. */
  readonly flag: string
  readonly meaning: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

/** Keys of a run as a command line overrides them, and the values of those that have few. */
export function completedKeys(schema: JsonSchema, within = ''): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, readonly string[]>()
  for (const [name, value] of mappingsOf(schema).flatMap(({ properties = {} }) =>
    Object.entries(properties),
  )) {
    const key = `${within}${name}`
    const isList = value.type === 'array' || value.anyOf?.some(({ type }) => type === 'array')
    keys.set(key, valuesOf(value))
    for (const [more, values] of isList ? [] : completedKeys(value, `${key}.`)) keys.set(more, values)
  }
  return keys
}

const valuesOf = ({ enum: values, const: only, type, anyOf = [] }: JsonSchema): readonly string[] => [
  ...(values ?? (only === undefined ? [] : [only])).map(String),
  ...(type === 'boolean' ? ['true', 'false'] : []),
  ...anyOf.flatMap(valuesOf),
]

type Script = (commands: readonly CompletedCommand[], keys: ReadonlyMap<string, readonly string[]>) => string

const bash: Script = (commands, keys) =>
  `# Completes ortune in bash:  source <(ortune completion bash)
_ortune() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} options= choices= keys=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help" -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(bashCommand).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options --help" -- "$cur"))
    return
  fi
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    return
  fi
  if [[ -n $keys ]]; then
    # bash takes the = for a word of its own.
    local key= value=$cur
    [[ $cur == = ]] && key=$prev value=
    [[ $prev == = ]] && key=\${COMP_WORDS[COMP_CWORD - 2]}
    if [[ -n $key ]]; then
      case $key in
${Array.from(keys, ([key, values]) => (values.length > 0 ? `        ${key}) choices="${values.join(' ')}" ;;\n` : '')).join('')}      esac
      COMPREPLY=($(compgen -W "$choices" -- "$value"))
      return
    fi
    if ((COMP_CWORD > 2)); then
      COMPREPLY=($(compgen -S = -W "$keys" -- "$cur"))
      type compopt > /dev/null 2>&1 && compopt -o nospace
      return
    fi
    COMPREPLY=($(compgen -f -X '!*.y*ml' -- "$cur") $(compgen -d -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
  type compopt > /dev/null 2>&1 && compopt -o filenames
}
complete -F _ortune ortune
`.replaceAll('keys=1', `keys="${[...keys.keys()].join(' ')}"`)

function bashCommand({ name, options, configures }: CompletedCommand): string {
  const chosen = options.filter(({ choices }) => choices.length > 0)
  return [
    `    ${name})`,
    `      options="${options.map(({ flag }) => flag).join(' ')}"`,
    ...(configures ? ['      keys=1'] : []),
    ...(chosen.length > 0
      ? [
          '      case $prev in',
          ...chosen.map(({ flag, choices }) => `        ${flag}) choices="${choices.join(' ')}" ;;`),
          '      esac',
        ]
      : []),
    '      ;;',
  ].join('\n')
}

const zsh: Script = (commands, keys) => `#compdef ortune
# Completes ortune in zsh, by its bash completion:  source <(ortune completion zsh)
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bash(commands, keys).replace(/^#.*\n/, '')}`

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const fish: Script = (commands, keys) => {
  const used = (name: string) => `-n '__fish_seen_subcommand_from ${name}'`
  const lines = commands.flatMap(({ name, summary, options, configures }) => [
    `complete -c ortune -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...options.map(
      ({ flag, meaning, takesValue, choices }) =>
        `complete -c ortune ${used(name)} -l ${flag.replace(/^--/, '')} -d ${quoted(meaning)}` +
        (choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : ''),
    ),
    ...(configures
      ? [`complete -c ortune ${used(name)} -a ${quoted([...keys.keys()].map((key) => `${key}=`).join(' '))}`]
      : []),
  ])
  return `# Completes ortune in fish:  ortune completion fish | source\n${lines.join('\n')}\n`
}

export const completionScripts = { bash, zsh, fish } as const satisfies Record<string, Script>
