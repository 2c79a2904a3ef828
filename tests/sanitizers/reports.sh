#!/bin/sh
# reports.sh begin FOLDER: an empty folder for reports of sanitizers, for programs of any user.
# reports.sh look FOLDER: tells the reports in it; fails if there are any.
set -eu
folder=$2
if [ "$1" = begin ]; then
  rm -rf "$folder"
  mkdir -p "$folder"
  chmod 1777 "$folder"
  exit 0
fi

# What of a file is ours. RocksDB's threads copy its own memory by functions of the standard library,
# whose stacks do not say that, so that no suppression matches: who made the memory tells. (A race of
# ours on memory that RocksDB made itself would be passed over, too.)
ours() {
  awk 'BEGIN { RS = "==================\n" }
    /^ThreadSanitizer: reported [0-9]+ warnings\n*$/ || !/[^ \n]/ { next }
    /\n  Location is heap block [^\n]*\n    #0 operator new[^\n]*\n    #1 rocksdb::/ { next }
    { print }' "$1"
}

count=0
for file in "$folder"/*; do
  [ -s "$file" ] || continue
  [ -n "$(ours "$file" | head -c 1)" ] || continue
  count=$((count + 1))
  [ $count -le 20 ] || continue
  printf '\n== %s\n' "$file"
  ours "$file" | head -60
done
[ $count = 0 ] && exit 0
echo "$count reports in $folder"
exit 1
