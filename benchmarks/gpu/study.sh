#!/usr/bin/env bash
# Whole studies on this machine, each from one submission to its fits: platform, PostgreSQL and a runner with its GPUs.
#
#   CORPORA=DIRECTORY benchmarks/gpu/study.sh PACK OUT SWEEP_FILE...
#
# PACK is what pack-product.sh made; CORPORA holds what the sweeps read, as a runner keeps it: npm/… for packages fetched before. BOOKS is a
# path to text that stands for /data/books of a sweep file. OUT receives, for each sweep, its log, its runs as CSV, its fits and the seconds.
set -uo pipefail

[ $# -ge 3 ] || { sed -n '2,7p' "$0"; exit 2; }
pack="$(cd "$1" && pwd -P)"
mkdir -p "$2"
out="$(cd "$2" && pwd -P)"
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. benchmarks/gpu/platform.sh
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }

mkdir -p "$home/runner"
[ -z "${CORPORA:-}" ] || cp -R "$CORPORA" "$home/runner/corpora"
begun="$(now)"
platform_up || exit 1
echo "up after $(since "$begun") s"
failed=0
for file in "$@"; do
  name="$(basename "$file" .yaml)"
  sweep="$home/$name.yaml"
  sed "s#/data/books#${BOOKS:-/data/books}#" "$file" >"$sweep"
  # the dataset first: what is timed is the study, as with data that is there
  there submit --plan "$sweep" >"$out/$name.plan.txt" 2>&1 || { tail -n 5 "$out/$name.plan.txt"; failed=1; continue; }
  begun="$(now)"
  there submit "$sweep" >"$out/$name.submit.txt" 2>&1 || { tail -n 5 "$out/$name.submit.txt"; failed=1; continue; }
  sweep_name="$(sed -n 's/^name: *//p' "$sweep" | head -n 1)"
  there watch "$sweep_name" >"$out/$name.watch.txt" 2>&1 || failed=1
  trained="$(since "$begun")"
  there fit "$sweep_name" >"$out/$name.fit.txt" 2>&1 || true
  total="$(since "$begun")"
  there export "$sweep_name" --csv -o "$out/$name.csv" >"$out/$name.export.txt" 2>&1 || failed=1
  echo "$name: last run ended after $trained s, fitted after $total s"
  printf '{"sweep": "%s", "secondsToLastRun": %s, "secondsToFit": %s}\n' "$name" "$trained" "$total" >"$out/$name.seconds.json"
  tail -n 12 "$out/$name.watch.txt"
  tail -n 25 "$out/$name.fit.txt"
done
exit "$failed"
