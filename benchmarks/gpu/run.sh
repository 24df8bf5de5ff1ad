#!/usr/bin/env bash
# Checks and times GPU training beside PyTorch, on a machine with a GPU, PyTorch 2.11 and a packed Isoflop (pack.sh; the study needs
# pack-product.sh). Every figure of docs/benchmarks/gpu.md comes from here.
#
#   benchmarks/gpu/run.sh PACK OUT [PART...]      parts: checks train sweep attention parity sanitizer (these by default) convergence generate study
#
# PACK is what pack.sh made, OUT receives the parts' output; then, where the project is,
#   python3 benchmarks/gpu/report.py OUT docs/benchmarks/gpu.json
# MODELS="0.85M 7.6M" limits train, SECONDS_EACH=2 says how long a figure is timed, TORCH=0 leaves PyTorch out.
# convergence and generate need TOKENS, the train.bin of a dataset; RATE=2e-3 is its peak learning rate.
set -uo pipefail

[ $# -ge 2 ] || { sed -n '2,12p' "$0"; exit 2; }
pack="$(cd "$1" && pwd -P)"
mkdir -p "$2"
out="$(cd "$2" && pwd -P)"
shift 2
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
parts=("$@")
[ "${#parts[@]}" -gt 0 ] || parts=(checks train sweep attention parity sanitizer)
models="${MODELS:-0.85M 7.6M 25.7M 85M 308M}"
seconds="${SECONDS_EACH:-2}"
cache="${CACHE:-$out/cache}"
java=("$pack/jre/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx16g -cp "$pack/lib/*")
failed=0

say() { printf '\n== %s\n' "$*"; }
bench() { "${java[@]}" dev.isoflop.lm.bench.GpuTrainBench --cache "$cache" "$@" 2>&1 | grep -v 'incubator modules'; return "${PIPESTATUS[0]}"; }

checks() {
  bash "$pack/gpu-test.sh" >"$out/checks.txt" 2>&1 || failed=1
  grep -E '✘|tests (found|successful|failed|skipped)' "$out/checks.txt"
}

# Isoflop and PyTorch in turns, model by model, so that both see the card in the same state.
train() {
  local model
  if [ "${TORCH:-1}" != 0 ]; then # compiled at once, or most of the time would go into it
    python3 "$here/torch_train.py" --prepare --caches "$out/torch" --seconds 0.2 --models "${models// /,}" >"$out/torch-prepare.txt" 2>&1
  fi
  for model in $models; do
    bench --models "$model" --seconds "$seconds" --report "$out/train-$model.json" | tee "$out/train-$model.txt" | head -n 12 || failed=1
    [ "${TORCH:-1}" = 0 ] || python3 "$here/torch_train.py" --caches "$out/torch" --models "$model" --seconds "$seconds" --out "$out/torch-$model.json" 2>&1 | tee "$out/torch-$model.txt" | tail -n 6 || failed=1
  done
}

sweep() {
  bench --models 0.85M,7.6M --lanes 16 --seconds "$seconds" --report "$out/sweep.json" | tee "$out/sweep.txt" | grep tokens/s || failed=1
}

attention() {
  python3 "$here/attention_check.py" --hd 64,128,32 >"$out/attention.txt" 2>&1 || failed=1
  tail -n 14 "$out/attention.txt"
}

parity() {
  local precision model
  for precision in fp32 bf16; do
    for model in small gqa 25M; do
      "${java[@]}" dev.isoflop.lm.bench.GpuParity --out "$out/parity-$model-$precision" --precision "$precision" --model "$model" --cache "$cache" 2>&1 | grep -v 'incubator modules'
      python3 "$here/torch_parity.py" "$out/parity-$model-$precision" --out "$out/parity-$model-$precision.json" || failed=1
      rm -rf "$out/parity-$model-$precision"
    done
  done
}

# How far equal runs come apart, then one of them beside PyTorch.
convergence() {
  local parity=("${java[@]}" dev.isoflop.lm.bench.GpuParity --cache "$cache" --learning-rate "${RATE:-2e-3}" --tokens "${TOKENS:-}")
  "${parity[@]}" --mode spread 2>&1 | grep -v 'incubator modules' | tee "$out/spread.txt"
  "${parity[@]}" --mode convergence --out "$out/convergence" 2>&1 | grep -v 'incubator modules'
  python3 "$here/torch_convergence.py" "$out/convergence" --twins fp32,nudged,autocast,autocast-residual --out "$out/convergence.json" || failed=1
  rm -rf "$out/convergence"
}

# A checkpoint trained here goes on in the transformers library as it does here.
generate() {
  "${java[@]}" dev.isoflop.lm.bench.GpuParity --cache "$cache" --mode generate --tokens "${TOKENS:-}" --out "$out/generate" 2>&1 | grep -v 'incubator modules'
  python3 "$here/torch_generate.py" "$out/generate" | tee "$out/generate.txt" || failed=1
  rm -rf "$out/generate"
}

sanitizer() {
  local tool
  tool="$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)"
  [ -n "$tool" ] || { echo "no compute-sanitizer here"; failed=1; return; }
  # calls of the driver that fail are no errors here: the number of a kernel's parameters is found by asking for one too many
  "$tool" --tool memcheck --report-api-errors no --error-exitcode 9 "${java[@]}" dev.isoflop.lm.bench.GpuParity --out "$out/sanitizer" --precision bf16 --model small --cache "$cache" \
    >"$out/sanitizer.txt" 2>&1 || failed=1
  rm -rf "$out/sanitizer"
  grep -E 'ERROR SUMMARY|========= (Invalid|Program)' "$out/sanitizer.txt" | head -n 5
}

study() { bash "$here/study.sh" "$pack" "$out" || failed=1; }

for part in "${parts[@]}"; do
  say "$part"
  case "$part" in
    checks | train | sweep | attention | parity | convergence | generate | sanitizer | study) "$part" ;;
    *) echo "no part is called $part"; exit 2 ;;
  esac
done
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader >"$out/device.txt" 2>/dev/null
exit "$failed"
