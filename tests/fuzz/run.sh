#!/bin/sh
# Runs the fuzz targets of a build: run.sh BUILD SECONDS JOBS [NAME...]
# Each runs for SECONDS with the kept corpus; what it finds new goes to BUILD/corpus/NAME, inputs that
# break something to BUILD/artifacts. One line each on stdout; exit 1 when something broke.
set -eu
build=$1 seconds=$2 jobs=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$build/artifacts"
[ $# -gt 0 ] || set -- $(cd "$here" && ls *.cpp | sed 's/\.cpp$//' | grep -v '^make_seeds$')

one() {
  name=$1
  mkdir -p "$build/corpus/$name" "$here/corpus/$name"
  if "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -rss_limit_mb=512 \
    -malloc_limit_mb=128 -timeout=30 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$build/artifacts/$name-" "$build/corpus/$name" "$here/corpus/$name" \
    > "$build/$name.log" 2>&1; then result=ok; else result="BROKEN, see $build/$name.log"; fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log" | tail -1)
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$build/$name.log" | tail -1)
  edges=$(sed -n 's/^#.* cov: \([0-9]*\) .*/\1/p' "$build/$name.log" | tail -1)
  printf '%-15s %10s runs %7s/s %5s edges  %s\n' "$name" "${runs:--}" "${rate:--}" "${edges:--}" "$result"
  [ "$result" = ok ]
}

if [ "$jobs" = 0 ]; then  # called below
  one "$1"
  exit
fi
printf '%s\n' "$@" | xargs -P "$jobs" -I NAME "$0" "$build" "$seconds" 0 NAME
