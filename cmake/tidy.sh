#!/bin/sh
# clang-tidy over folders of sources: tidy.sh BUILD [FOLDER...]; all of them when none is named.
# BUILD: of the preset `tidy`. A folder's sources are looked at as one unit, since most of the time
# goes into the headers that all of them include; sources that do not go together, as they have
# helpers of the same name, in halves. Exit 1 when something was found.
set -eu
build=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
[ $# -gt 0 ] || set -- $(find storage actors cli -name '*.cpp' -exec dirname {} + | sort -u)
mkdir -p "$build/units"
found=0
units=0

# check FLAGS SOURCE...
check() {
  flags=$1
  shift
  units=$((units + 1))
  unit="$build/units/$units.cpp"
  for source in "$@"; do
    echo "#include \"$root/$source\"  // NOLINT"
  done > "$unit"
  # shellcheck disable=SC2086
  if [ $# -eq 1 ] || clang++ $flags -fsyntax-only -w "$unit" > /dev/null 2>&1; then
    clang-tidy --quiet --config-file=.clang-tidy --header-filter="$root/(storage|actors|cli)/.*" \
      "$unit" -- $flags 2> "$unit.log" || found=1
    return
  fi
  half=$(($# / 2)) first="" rest=""
  for source in "$@"; do
    if [ $half -gt 0 ]; then first="$first $source" half=$((half - 1)); else rest="$rest $source"; fi
  done
  pending="$pending:$rest"
  check "$flags" $first
}

for folder in "$@"; do
  echo "$folder"
  # The flags are those of the folder's first source.
  first=$(ls "$folder"/*.cpp | head -1)
  flags=$(sed -n "s|^ *\"command\": \"[^ ]* \(.*\) -o .* -c $root/$first\",*|\1|p" \
    "$build/compile_commands.json" | sed 's|\\"|"|g')
  pending=$(ls "$folder"/*.cpp | tr '\n' ' ')
  while [ -n "$pending" ]; do
    next=${pending%%:*}
    case $pending in *:*) pending=${pending#*:} ;; *) pending="" ;; esac
    # shellcheck disable=SC2086
    check "$flags" $next
  done
done
exit $found
