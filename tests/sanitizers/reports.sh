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
count=$(find "$folder" -type f | wc -l)
[ "$count" = 0 ] && exit 0
echo "$count reports in $folder"
find "$folder" -type f -size +0 | sort | head -20 | while read -r file; do
  printf '\n== %s\n' "$file"
  head -60 "$file"
done
exit 1
