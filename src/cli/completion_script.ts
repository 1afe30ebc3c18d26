/**
 * Scripts by which shells complete `ortune`: commands, their options and what these may be, YAML files and keys of a run.
 * @module
 */
import type { RunKeys } from './run_keys.ts'

export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  /** What its first argument is, such as `config`, and what it may be where that is one of few. */
  readonly first: string | undefined
  readonly choices: readonly string[]
  /** Keys of a run that follow the first argument. */
  readonly keys: RunKeys
}

export interface CompletedOption {
  /** Such as `--split`. */
  readonly flag: string
  readonly meaning: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

type Script = (commands: readonly CompletedCommand[]) => string

/** The values of keys, whichever command takes them. */
const valuesOfKeys = (commands: readonly CompletedCommand[]): RunKeys =>
  new Map(commands.flatMap(({ keys }) => [...keys]).filter(([, values]) => values.length > 0))

const bash: Script = (commands) =>
  `# Completes ortune in bash:  source <(ortune completion bash)
_ortune() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local options= valued= choices= keys= first= assigned= given= before= word
  local commands="${commands.map(({ name }) => name).join(' ')}"
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "$commands help" -- "$cur"))
    return
  fi
  # bash takes the = for a word of its own.
  if [[ $cur == = ]]; then
    cur= assigned=1
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]} assigned=1
  fi
  case \${COMP_WORDS[1]} in
    help) first="$commands" ;;
${commands.map(bashCommand).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options --help" -- "$cur"))
    return
  fi
  if [[ -n $assigned && $prev != -* ]]; then
    case $prev in
${Array.from(valuesOfKeys(commands), ([key, values]) => `      ${key}) choices="${values.join(' ')}" ;;\n`).join('')}    esac
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    return
  fi
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    return
  fi
  if [[ " $valued " != *" $prev "* ]]; then
    for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
      [[ $word == -* || -n $before && " $valued " == *" $before "* ]] || given=1
      before=$word
    done
    if [[ -n $given && -n $keys ]]; then
      COMPREPLY=($(compgen -S = -W "$keys" -- "$cur"))
      type compopt > /dev/null 2>&1 && compopt -o nospace
      return
    fi
    case $first in
      '') COMPREPLY=($(compgen -f -- "$cur")) ;;
      config) COMPREPLY=($(compgen -f -X '!*.y*ml' -- "$cur") $(compgen -d -- "$cur")) ;;
      *) [[ -n $given ]] || COMPREPLY=($(compgen -W "$first" -- "$cur")) && return ;;
    esac
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
  type compopt > /dev/null 2>&1 && compopt -o filenames
}
complete -F _ortune ortune
`

function bashCommand({ name, options, first, choices: words, keys }: CompletedCommand): string {
  const chosen = options.filter(({ choices }) => choices.length > 0)
  const flags = (some: readonly CompletedOption[]) => some.map(({ flag }) => flag).join(' ')
  return [
    `    ${name})`,
    `      options="${flags(options)}"`,
    `      valued="${flags(options.filter(({ takesValue }) => takesValue))}"`,
    ...(keys.size > 0 ? [`      keys="${[...keys.keys()].join(' ')}"`] : []),
    ...(first === 'config' ? ['      first=config'] : []),
    ...(words.length > 0 ? [`      first="${words.join(' ')}"`] : []),
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

const zsh: Script = (commands) => `#compdef ortune
# Completes ortune in zsh, by its bash completion:  source <(ortune completion zsh)
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bash(commands).replace(/^#.*\n/, '')}`

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const fish: Script = (commands) => {
  const used = (name: string) => `-n '__fish_seen_subcommand_from ${name}'`
  const lines = commands.flatMap(({ name, summary, options, choices: words, keys }) => [
    `complete -c ortune -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...options.map(
      ({ flag, meaning, takesValue, choices }) =>
        `complete -c ortune ${used(name)} -l ${flag.replace(/^--/, '')} -d ${quoted(meaning)}` +
        (choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : ''),
    ),
    ...(words.length > 0 ? [`complete -c ortune ${used(name)} -f -a ${quoted(words.join(' '))}`] : []),
    `complete -c ortune ${used('help')} -f -a ${name} -d ${quoted(summary)}`,
    ...(keys.size > 0
      ? [`complete -c ortune ${used(name)} -a ${quoted([...keys.keys()].map((key) => `${key}=`).join(' '))}`]
      : []),
  ])
  return `# Completes ortune in fish:  ortune completion fish | source\n${lines.join('\n')}\n`
}

export const completionScripts = { bash, zsh, fish } as const satisfies Record<string, Script>
