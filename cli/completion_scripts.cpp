#include "cli/completion_scripts.hpp"

#include "cli/command_app.hpp"

namespace et {

namespace {

std::string names() {
  std::string all;
  for (const auto& name : program_names()) all += ' ' + name;
  return all;
}

// The program beside the one that was typed with a folder, else the one in the path.
constexpr const char* bash_function = R"(
_elastictape() {
  local program=elastictape typed=${1/#"~/"/"$HOME/"} current=${COMP_WORDS[COMP_CWORD]}
  local what= line= prefix= names=-f
  [[ $typed == */* && -x ${typed%/*}/elastictape ]] && program=${typed%/*}/elastictape
  [[ $current == = ]] && current=
  # Where = does not end a word, it is the whole option that gets replaced.
  [[ $current == --*=* ]] && prefix=${current%%=*}= current=${current#*=}
  COMPREPLY=()
  {
    IFS= read -r what
    case $what in
      words)
        compopt -o nosort
        while IFS= read -r line; do
          printf -v line %q "${line%%$'\t'*}"
          COMPREPLY+=("$prefix$line")
        done
        ;;
      files | folders)
        compopt -o filenames
        [[ $what == folders ]] && names=-d
        while IFS= read -r line; do
          COMPREPLY+=("$prefix$line")
        done < <(compgen "$names" -- "$current")
        ;;
    esac
  } 2>/dev/null < <("$program" complete "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
}
)";

constexpr const char* zsh_function = R"(
_elastictape() {
  local program=elastictape typed= what= line= word=
  local -a answer choices
  typed=${words[1]/#\~\//$HOME/}
  [[ $typed == */* && -x ${typed:h}/elastictape ]] && program=${typed:h}/elastictape
  answer=("${(@f)$("$program" complete $((CURRENT - 1)) -- "${words[@]}" 2>/dev/null)}")
  what=$answer[1]
  [[ $PREFIX == --*=* ]] && compset -P '*='
  case $what in
    files) _files ;;
    folders) _files -/ ;;
    words)
      for line in "${(@)answer[2,-1]}"; do
        word=${line%%$'\t'*}
        if [[ $line == *$'\t'* ]]; then
          choices+=("${word//:/\\:}:${line#*$'\t'}")
        else
          choices+=("${word//:/\\:}")
        fi
      done
      _describe -V elastictape choices
      ;;
  esac
}
)";

}  // namespace

std::string bash_completion_script() {
  return "# Completion for bash: source <(elastictape completion bash)" +
         std::string{bash_function} + "complete -F _elastictape" + names() + '\n';
}

std::string zsh_completion_script() {
  return "#compdef" + names() + "\n# Completion for zsh: source <(elastictape completion zsh)" +
         zsh_function +
         "\n# Called by the completion system when it is a file of its own, else sourced.\n"
         "if [[ $funcstack[1] == _elastictape ]]; then\n"
         "  _elastictape \"$@\"\n"
         "else\n"
         "  compdef _elastictape" +
         names() + "\nfi\n";
}

}  // namespace et
