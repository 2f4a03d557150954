# Completion of ehlo for bash. What there is to complete the program itself tells, from the tables that it parses its
# options by.
_ehlo() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} argument
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" --help=complete 2>/dev/null | cut -f1) --help --version" -- "$word")
    return
  fi
  argument=$("${COMP_WORDS[0]}" "$command" --help=complete 2>/dev/null |
    awk -F'\t' -v option="$before" '$1 == option { print $2 }')
  case $argument in
    *\|*) mapfile -t COMPREPLY < <(compgen -W "${argument//|/ }" -- "$word"); return ;;
    *FILE* | DIR) mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null; return ;;
    ?*) return ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" "$command" --help=complete 2>/dev/null | cut -f1)" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word"; compgen -W "$(_ehlo_accounts)" -- "$word")
    compopt -o filenames 2>/dev/null
  fi
}

# The accounts of the configuration.
_ehlo_accounts() {
  sed -n 's/^[[:blank:]]*\[\(.*\)\][[:blank:]]*$/\1/p' "${XDG_CONFIG_HOME:-$HOME/.config}/ehlo/config" 2>/dev/null
}
complete -F _ehlo ehlo
