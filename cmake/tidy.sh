#!/bin/sh
# clang-tidy over folders of sources: tidy.sh BUILD [FOLDER...]; all of them when none is named.
# BUILD: of the preset `tidy`. A folder's sources are looked at as one unit, since most of the time
# goes into the headers that all of them include; where sources of a folder have helpers of the same
# name, one by one. Exit 1 when something was found.
set -eu
build=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
[ $# -gt 0 ] || set -- $(find storage actors cli -name '*.cpp' -exec dirname {} + | sort -u)
mkdir -p "$build/units"
found=0
check() {
  clang-tidy -p "$build" --quiet --header-filter="$root/(storage|actors|cli)/.*" "$@"
}
for folder in "$@"; do
  unit="$build/units/$(echo "$folder" | tr / _).cpp"
  for source in "$folder"/*.cpp; do
    echo "#include \"$root/$source\"  // NOLINT"
  done > "$unit"
  # The flags are those of the folder's first source.
  first=$(ls "$folder"/*.cpp | head -1)
  flags=$(sed -n "s|^ *\"command\": \"[^ ]* \(.*\) -o .* -c $root/$first\",*|\1|p" \
    "$build/compile_commands.json" | sed 's|\\"|"|g')
  # shellcheck disable=SC2086
  clang++ $flags -fsyntax-only -w "$unit" > /dev/null 2>&1 && one=yes || one=no
  echo "$folder"
  if [ $one = yes ]; then
    # shellcheck disable=SC2086
    clang-tidy --quiet --config-file=.clang-tidy --header-filter="$root/(storage|actors|cli)/.*" \
      "$unit" -- $flags 2> "$unit.log" || found=1
  else
    for source in "$folder"/*.cpp; do
      check "$source" 2> "$unit.log" || found=1
    done
  fi
done
exit $found
