#!/bin/bash
# valgrind.sh FOLDER-OF-BINARIES: the main path under memcheck, in the service and the commands: a service on its
# virtual library, put, safe, get, compared, removed, stopped. Fails on invalid reads and writes, uses
# of what was not set, and definite leaks, but for those in valgrind.supp. docs/sanitizers.md
set -euo pipefail
bin=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d "${TMPDIR:-/tmp}/elastictape-valgrind.XXXXXX")
chmod 755 "$work"
export ELASTICTAPE_STATE=$work/state ELASTICTAPE_SYSTEM_CONFIG=$work/none HOME=$work
export ET_PROGRAM=$bin/elastictape
unset ELASTICTAPE_SERVER
service=

finish() {
  status=$?
  [ -n "$service" ] && kill "$service" 2>/dev/null && wait "$service" || true
  if [ $status != 0 ]; then
    head -n 200 "$work"/*.valgrind
    tail -5 "$work/log"
  fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT

cc -O1 -g -shared -fPIC -o "$work/new_calls.so" "$here/new_calls.c" -ldl -lpthread
# Sessions drop rights and give themselves less room than memcheck needs: they run without it.
memcheck=(env "LD_PRELOAD=$work/new_calls.so" valgrind --quiet --error-exitcode=99
  --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --num-callers=30
  --fair-sched=yes "--suppressions=$here/valgrind.supp" "--log-file=$work/%p.valgrind")

"${memcheck[@]}" "$bin/elastictape" serve > "$work/ready" 2> "$work/log" &
service=$!
until grep -q '^elastictape ready' "$work/ready"; do
  kill -0 "$service"
  sleep 0.2
done

mkdir -p "$work/tree/sub"
: > "$work/tree/empty"
head -c 3000000 /dev/urandom > "$work/tree/random"
for i in $(seq 1 20); do echo "file $i" > "$work/tree/sub/$i"; done

"${memcheck[@]}" "$bin/et_put" -w local -t small "$work/tree" | tee "$work/put"
batch=$(sed -n 's/^Batch ID: //p' "$work/put")
"${memcheck[@]}" "$bin/elastictape" status -w local -b "$batch" --wait
"${memcheck[@]}" "$bin/et_ls" -w local -L file -b "$batch" | tail -1
mkdir "$work/back"
"${memcheck[@]}" "$bin/et_get" -w local -b "$batch" -r "$work/back"
diff -r "$work/tree" "$work/back$work/tree"
"${memcheck[@]}" "$bin/et_rm" -w local -b "$batch"
kill "$service"
wait "$service"
service=
echo "memcheck: nothing in $(ls "$work"/*.valgrind | wc -l) processes"
