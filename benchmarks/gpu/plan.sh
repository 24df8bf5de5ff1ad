#!/usr/bin/env bash
# From GPU-hours to a law and on: plans an optimal sweep for a device's time, trains it on the platform, holds the time that was promised against the one it took, then lets the sweep grow.
#
#   benchmarks/gpu/plan.sh PACK OUT CORPUS
#
# PACK is what pack-product.sh made; CORPUS a directory with some 200 MB of .txt or .jsonl files. HOURS=0.02, DEVICE=H100, TARGET=1e17 (FLOPs) and TOKENS=6e7 (of the corpus) can be set.
set -uo pipefail

[ $# -ge 3 ] || { sed -n '2,6p' "$0"; exit 2; }
pack="$(cd "$1" && pwd -P)"
mkdir -p "$2"
out="$(cd "$2" && pwd -P)"
corpus="$(cd "$3" && pwd -P)"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. benchmarks/gpu/platform.sh
platform_up || exit 1
isoflop plan --design optimal --gpu-hours "${HOURS:-0.02}" --device "${DEVICE:-H100}" --target "${TARGET:-1e17}" --vocab-size 4096 --corpus-tokens "${TOKENS:-6e7}" \
  --corpus "$corpus" --name planned --out "$home/planned.yaml" >"$out/plan.txt" 2>&1 || { cat "$out/plan.txt"; exit 1; }
cat "$out/plan.txt"
cp "$home/planned.yaml" "$out/"
there submit --plan "$home/planned.yaml" >"$out/submit-plan.txt" 2>&1 || { tail -n 5 "$out/submit-plan.txt"; exit 1; } # makes the dataset
begun="$(date +%s)"
there submit "$home/planned.yaml" >"$out/submit.txt" 2>&1 || { tail -n 5 "$out/submit.txt"; exit 1; }
there watch planned >"$out/watch.txt" 2>&1
tail -n 3 "$out/watch.txt"
echo "trained in $(($(date +%s) - begun)) s"
there fit planned | tee "$out/fit.txt"
begun="$(date +%s)"
there grow planned --target "${TARGET:-1e17}" --runs 4 --waves 2 --tokens-per-parameter 2:150 --keep-going 2>&1 | tee "$out/grow.txt"
echo "grown in $(($(date +%s) - begun)) s"
there fit planned | tee "$out/fit-grown.txt"
there predictions | tee "$out/predictions.txt"
there export planned --csv -o "$out/planned.csv"
