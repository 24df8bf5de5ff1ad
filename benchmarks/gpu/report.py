#!/usr/bin/env python3
"""Takes what run.sh left in a directory into gpu.json, and prints the tables of gpu.md.

    python3 benchmarks/gpu/report.py OUT docs/benchmarks/gpu.json

Only the parts found in OUT replace what the file had.
"""
import json
import pathlib
import subprocess
import sys

MODELS = ["0.85M", "7.6M", "25.7M", "85M", "308M", "gpt2-124M"]
TARGETS = {"0.85M": 2.0, "7.6M": 1.6, "25.7M": 1.5, "85M": 1.15, "308M": 1.05}
SWEEP_TARGETS = {"0.85M": 6.0, "7.6M": 2.5}
MODES = {"eager": "torchEager", "compile": "torchCompile", "overhead": "torchCompileGraphs", "graphs": "torchGraphs"}
BY_ITSELF = ("torchEager", "torchCompile", "torchCompileGraphs")  # what PyTorch does without a graph captured by hand


def load(path):
    return json.loads(path.read_text()) if path.exists() else None


def torch_rows(out, model):
    found = load(out / f"torch-{model}.json")
    return {row["mode"]: row for row in found["train"]} if found else {}


def train(out):
    rows = []
    for model in MODELS:
        ours = load(out / f"train-{model}.json")
        if not ours:
            continue
        row = ours["rows"][0]
        entry = {
            "model": model,
            "tokensPerSecond": round(row["tokensPerSecond"]),
            "mfu": round(row["mfu"], 4),
            "millisPerStep": round(row["millisPerStep"], 3),
            "graphNodes": row["graphNodes"],
            "bytes": row["bytes"],
            "newShapeSeconds": round(row["newShapeSeconds"], 2),
            "knownShapeMillis": round(row["knownShapeMillis"], 1),
        }
        peers = torch_rows(out, model)
        for mode, name in MODES.items():
            entry[name] = round(peers[mode]["tokensPerSecond"]) if mode in peers else None
        best = max((entry[n] for n in MODES.values() if entry[n]), default=None)
        entry["ratioToBest"] = round(entry["tokensPerSecond"] / best, 2) if best else None
        itself = max((entry[n] for n in BY_ITSELF if entry[n]), default=None)
        entry["ratioToBestByItself"] = round(entry["tokensPerSecond"] / itself, 2) if itself else None
        entry["target"] = TARGETS.get(model)
        rows.append(entry)
    return rows


def sweep(out, trained):
    found = load(out / "sweep.json")
    rows = []
    for row in found["rows"] if found else []:
        alone = next((t for t in trained if t["model"] == row["model"]), {})
        best = max((alone.get(n) or 0 for n in MODES.values()), default=0)
        itself = max((alone.get(n) or 0 for n in BY_ITSELF), default=0)
        rows.append({
            "model": row["model"],
            "runs": row["lanes"],
            "tokensPerSecond": round(row["tokensPerSecond"]),
            "torchOneAfterTheOther": best or None,
            "ratioToBest": round(row["tokensPerSecond"] / best, 2) if best else None,
            "torchByItselfOneAfterTheOther": itself or None,
            "ratioToBestByItself": round(row["tokensPerSecond"] / itself, 2) if itself else None,
            "target": SWEEP_TARGETS.get(row["model"]),
        })
    return rows


def parity(out):
    """Every quantity with a bar, Isoflop's and what PyTorch's own autocast gives in the same precision."""
    rows = []
    for model in ("small", "gqa", "25M"):
        for precision in ("fp32", "bf16"):
            found = load(out / f"parity-{model}-{precision}.json")
            for q in found["quantities"] if found else []:
                if q["bar"] is not None:
                    row = {"model": model, "precision": precision, "quantity": q["quantity"], "value": float(f"{q['value']:.7g}"), "bar": q["bar"]}
                    if "autocast" in q["torch"]:
                        row["torchAutocast"] = float(f"{q['torch']['autocast']:.7g}")
                    rows.append(row)
    found = load(out / "convergence.json")
    twins = {t["twin"]: t["heldoutTorch"] for t in found["twins"]} if found else {}
    if "fp32" in twins:
        row = {"model": "5.8M", "precision": "bf16", "quantity": f"held-out loss after {found['steps']} steps, nats above PyTorch in fp32",
               "value": round(found["heldoutIsoflop"] - twins["fp32"], 5), "bar": found["bar"]}
        if "autocast" in twins:
            row["torchAutocast"] = round(twins["autocast"] - twins["fp32"], 5)
        rows.append(row)
    return rows


def number(x):
    return "–" if x is None else f"{x:,.0f}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    out, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    report = load(target) or {}
    trained = train(out)
    if trained:
        report["train"] = trained
    swept = sweep(out, trained or report.get("train", []))
    if swept:
        report["sweep"] = swept
    held = parity(out)
    if held:
        report["parity"] = held
    device = out / "device.txt"
    if device.exists():
        report["device"] = device.read_text().split(",")[0].strip()
    report["commit"] = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    target.write_text(json.dumps(report, indent=1) + "\n")

    print("| model | Isoflop tokens/s | MFU | eager | compile | compile + CUDA graphs | to the best of these | graph by hand | to that | bar |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in trained:
        print(f"| {r['model']} | **{number(r['tokensPerSecond'])}** | {r['mfu']:.3f} | {number(r['torchEager'])} | {number(r['torchCompile'])} "
              f"| {number(r['torchCompileGraphs'])} | **{r['ratioToBestByItself']}** | {number(r['torchGraphs'])} | **{r['ratioToBest']}** | {r['target']} |")
    print()
    print("| model | runs at once | Isoflop tokens/s together | PyTorch by itself, one after the other | ratio | graph by hand | ratio | bar |")
    print("|---|---|---|---|---|---|---|---|")
    for r in swept:
        print(f"| {r['model']} | {r['runs']} | **{number(r['tokensPerSecond'])}** | {number(r['torchByItselfOneAfterTheOther'])} | **{r['ratioToBestByItself']}** "
              f"| {number(r['torchOneAfterTheOther'])} | **{r['ratioToBest']}** | {r['target']} |")


if __name__ == "__main__":
    main()
