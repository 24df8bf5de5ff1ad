#!/usr/bin/env bash
# The trials of designs and of outlooks on models that a GPU trains, on a machine with a GPU and a packed Isoflop (pack.sh with the runner's MODULES).
#
#   benchmarks/gpu/trials.sh PACK OUT CORPUS [design|outlook]...      CORPUS: a directory with some 200 MB of .txt or .jsonl files
#
# OUT receives design-gpu.json and outlook-gpu.json and what was printed. Where there is Java and the project, it is ./isoflop bench design --scale GPU --corpus CORPUS.
set -uo pipefail

[ $# -ge 3 ] || { sed -n '2,6p' "$0"; exit 2; }
pack="$(cd "$1" && pwd -P)"
mkdir -p "$2"
out="$(cd "$2" && pwd -P)"
corpus="$(cd "$3" && pwd -P)"
shift 3
[ $# -gt 0 ] || set -- design outlook
work="${WORK:-target/trials}"
failed=0

bench() {
  "$pack/jre/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx16g -cp "$pack/lib/*" \
    "dev.isoflop.runner.bench.$1" --scale GPU --corpus "$corpus" --work "$work" "${@:2}" 2>&1 | grep --line-buffered -v 'incubator modules'
  return "${PIPESTATUS[0]}"
}

for part in "$@"; do
  case "$part" in
    design) bench DesignBench --report "$out/design-gpu.json" | tee "$out/design-gpu.txt" || failed=1 ;;
    outlook) bench OutlookBench --law "$out/design-gpu.json" --report "$out/outlook-gpu.json" | tee "$out/outlook-gpu.txt" || failed=1 ;;
    *) echo "no part is called $part"; exit 2 ;;
  esac
done
exit "$failed"
