#!/bin/bash
# make bench: all benchmarks, with the machine they ran on. bench.sh BUILD-FOLDER
set -euo pipefail
build=$(realpath "$1")
folder=${BENCH_FOLDER:-$build/bench}
mkdir -p "$folder"
printf 'machine: %s, %s cores, kernel %s, %s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" \
  "$(nproc)" "$(uname -r)" "$(df --output=fstype "$folder" | tail -1)"
for program in bench_format bench_catalogue bench_links; do
  printf '\n== %s\n' $program
  "$build/tests/$program"
done
printf '\n== the service\n'
"$(dirname "$0")/bench_service.py" "$build/cli" "$folder"
