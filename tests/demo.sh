#!/bin/bash
# make demo: the service from nothing to a batch on tape and back. demo.sh FOLDER-OF-BINARIES TREE
set -euo pipefail
bin=$(realpath "$1")
tree=$(realpath "$2")
work=$(mktemp -d "${TMPDIR:-/tmp}/elastictape-demo.XXXXXX")
export ELASTICTAPE_STATE=$work/state ELASTICTAPE_SYSTEM_CONFIG=$work/none HOME=$work
unset ELASTICTAPE_SERVER
service=

finish() {
  status=$?
  [ -n "$service" ] && kill "$service" 2>/dev/null && wait "$service" || true
  [ $status = 0 ] || { echo "demo failed; the service said:" >&2; tail -20 "$work/log" >&2 || true; }
  rm -rf "$work"
  exit $status
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }
now() { date +%s.%N; }
rate() { # BYTES BEGIN END
  awk -v b="$1" -v t0="$2" -v t1="$3" \
    'BEGIN { t = t1 - t0; if (t <= 0) t = 0.001; printf "%.2f s, %.1f MiB/s", t, b / t / 1048576 }'
}

say "starting the service on an embedded virtual library in $work/state"
"$bin/elastictape" serve > "$work/ready" 2> "$work/log" &
service=$!
for _ in $(seq 1 200); do
  grep -q '^elastictape ready' "$work/ready" 2>/dev/null && break
  kill -0 "$service" || exit 1
  sleep 0.05
done
cat "$work/ready"

files=$(find "$tree" -type f -printf x | wc -c)
bytes=$(find "$tree" -type f -printf '%s\n' | awk '{ s += $1 } END { printf "%d", s }')
say "et_put -w local -t demo $tree   ($files files, $bytes bytes)"
put_begin=$(now)
"$bin/et_put" -w local -t demo "$tree" 2> "$work/put.err" | tee "$work/put"
tail -3 "$work/put.err"
put_end=$(now)
batch=$(sed -n 's/^Batch ID: //p' "$work/put")

say "elastictape status -b $batch --wait   (going to tape)"
"$bin/elastictape" status -w local -b "$batch" --wait
safe_end=$(now)

say "et_ls"
"$bin/et_ls" -w local -H -L workspace
"$bin/et_ls" -w local -H -L batch
"$bin/et_ls" -w local -H -L file -b "$batch" > "$work/listing"
head -4 "$work/listing"
echo "... $(($(wc -l < "$work/listing") - 1)) files"

say "et_get -b $batch -r $work/back"
mkdir "$work/back"
get_begin=$(now)
"$bin/et_get" -w local -b "$batch" -r "$work/back"
get_end=$(now)

say "comparing every byte"
listed=$(($(wc -l < "$work/listing") - 1))
compared=0
while IFS= read -r -d '' file; do
  cmp "$file" "$work/back$file"
  compared=$((compared + 1))
done < <(find "$tree" -type f -print0)
echo "$compared files are the same"
[ "$compared" = "$files" ] && [ "$listed" = "$files" ]

say "et_rm -b $batch"
"$bin/et_rm" -w local -b "$batch"
"$bin/et_ls" -w local -L batch
[ -z "$("$bin/et_ls" -w local -L batch)" ]

say "stopping the service"
kill "$service"
wait "$service"
service=

say "summary: $files files, $bytes bytes"
echo "registered   $(rate "$bytes" "$put_begin" "$put_end")"
echo "safe on tape $(rate "$bytes" "$put_begin" "$safe_end")"
echo "got back     $(rate "$bytes" "$get_begin" "$get_end")"
