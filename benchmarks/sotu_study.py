"""Compares the runs of examples/sotu-study.yaml with the reference table, row by row.

    python3 benchmarks/sotu_study.py TABLE --url http://127.0.0.1:8080 --token isf_... --sweep ID [--rows]
    python3 benchmarks/sotu_study.py TABLE --runs sotu-study.csv [--rows]

TABLE is sotu_reference.csv. The runs come from a platform or from the file of `isoflop export SWEEP --csv`, which does not say
when the fit was made. Prints how many rows have a run, the differences of the final held-out losses (nats per token, Isoflop
minus table), and the wall seconds from the submission to the end of the last run and to the first fit after it.
"""

import argparse
import csv
import datetime
import io
import json
import os
import statistics
import urllib.request

WIDE = 0.1  # nats


def number(text):
    return float(f"{float(text):.9g}")


def table(path, batches):
    """Rows by what tells them apart, and how many repeat another. The table's N counts matrices, Isoflop's the norm gains too."""
    rows, repeated = {}, 0
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            batch, width, layers = int(row["batch_sequences"]), int(row["d_model"]), int(row["layers"])
            if batch not in batches:
                continue
            n = int(row["n_total"]) + width * (2 * layers + 1)
            key = number(row["flops_budget"]), n, batch, number(row["learning_rate"]), int(row["seed"])
            repeated += key in rows
            rows[key] = width, float(row["val_loss_nats_per_token"]), int(row["steps"])
    return rows, repeated


def runs_of(text):
    """Succeeded runs by the same key, and all rows."""
    every = [row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "pretrain"]
    runs = {}
    for row in every:
        if row["state"] == "succeeded" and row["final_loss"]:
            key = number(row["budget"]), int(row["parameters"]), int(row["batch_sequences"]), number(row["learning_rate"]), int(row["seed"])
            runs[key] = row
    return runs, every


def moment(text):
    """Fractions of a second may have any number of digits, which fromisoformat takes from Python 3.11 on only."""
    whole, _, rest = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return at.timestamp() + (float("0." + rest) if rest else 0)


def get(a, path):
    headers = {"Authorization": "Bearer " + a.token} if a.token else {}
    with urllib.request.urlopen(urllib.request.Request(a.url.rstrip("/") + "/api/v1" + path, headers=headers)) as reply:
        return reply.read().decode()


def losses(rows, repeated, runs, every, show):
    found = [key for key in sorted(rows) if key in runs]
    differences = {key: float(runs[key]["final_loss"]) - rows[key][1] for key in found}
    if show:
        print("| cell (6ND, width, batch, rate, seed) | steps | table's steps | Isoflop | table | difference |\n|---|---|---|---|---|---|")
        for key in found:
            budget, _, batch, rate, seed = key
            width, loss, steps = rows[key]
            run = runs[key]
            print(
                f"| {budget:.0e}, d{width}, {batch}, {rate:g}, {seed} | {run['steps']} | {steps} |"
                f" {float(run['final_loss']):.4f} | {loss:.4f} | {differences[key]:+.4f} |"
            )
        print()
    failed = [row for row in every if row["state"] in ("failed", "cancelled")]
    diverged = [row for row in every if row["diverged"] == "true"]
    print(f"runs: {len(every)}, {len(runs)} succeeded, {len(failed)} failed or cancelled, {len(diverged)} diverged")
    print(f"rows of the table: {len(rows)} ({repeated} repeat another and are left out), {len(found)} with a run, {len(set(runs) - set(rows))} runs without a row")
    for key in sorted(set(rows) - set(runs)):
        print(f"  no run: {key[0]:.0e}, d{rows[key][0]}, batch {key[2]}, rate {key[3]:g}, seed {key[4]}")
    if not found:
        raise SystemExit("nothing to compare")
    absolute = [abs(d) for d in differences.values()]
    wide = [key for key in found if abs(differences[key]) > WIDE]
    print(f"difference: mean {statistics.fmean(differences.values()):+.4f}, median {statistics.median(absolute):.4f} and largest {max(absolute):.4f} in absolute value")
    # runs of one width and seed start from the same weights, so they err together: rows are not independent
    widths = {}
    for key in found:
        widths.setdefault(rows[key][0], []).append(differences[key])
    print("mean difference by width: " + ", ".join(f"d{width} {statistics.fmean(ds):+.3f} ({len(ds)})" for width, ds in sorted(widths.items())))
    print(f"beyond {WIDE} nats: {len(wide)} of {len(found)}")
    for key in sorted(wide, key=lambda key: -abs(differences[key])):
        print(f"  {runs[key]['name']}: {float(runs[key]['final_loss']):.4f}, table {rows[key][1]:.4f}, {differences[key]:+.4f}")


def times(every, submitted, fits):
    over = all(row["state"] in ("succeeded", "failed", "cancelled") for row in every)
    ends = [moment(row["finished_at"]) for row in every if row["finished_at"]]
    if not over or not ends:
        print("wall seconds: not all runs have ended")
        return
    last = max(ends)
    print(f"wall seconds from submission to the last run's end: {last - submitted:.1f}")
    after = [moment(fit["createdAt"]) for fit in fits if moment(fit["createdAt"]) >= last]
    print(f"wall seconds from submission to the fit: {min(after) - submitted:.1f}" if after else "wall seconds to the fit: not known")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("table")
    p.add_argument("--runs", help="an exported CSV of the sweep's runs")
    p.add_argument("--url", help="of the platform, without /api")
    p.add_argument("--token", default=os.environ.get("ISOFLOP_TOKEN"), help="default: $ISOFLOP_TOKEN")
    p.add_argument("--sweep", type=int, help="its number on the platform")
    p.add_argument("--batches", type=int, nargs="+", default=[2, 4, 8], help="rows to compare; default 2 4 8")
    p.add_argument("--rows", action="store_true", help="print a line for every row that has a run")
    a = p.parse_args()
    if (a.runs is None) == (a.url is None) or (a.url is not None and a.sweep is None):
        p.error("give either --runs, or --url with --sweep")
    rows, repeated = table(a.table, a.batches)
    fits = []
    if a.runs:
        with open(a.runs, newline="") as file:
            text = file.read()
    else:
        text = get(a, f"/sweeps/{a.sweep}/export.csv")
        fits = json.loads(get(a, f"/sweeps/{a.sweep}/fits"))
    runs, every = runs_of(text)
    if not every:
        raise SystemExit("the sweep has no runs")
    losses(rows, repeated, runs, every, a.rows)
    submitted = min(moment(row["created_at"]) for row in every)
    times(every, submitted, fits)
    for fit in fits:
        exponents = ", ".join(f"{e['name']} {e['value']:.3f} ({e['low']:.3f} to {e['high']:.3f})" for e in fit["parameters"] if e["name"] in ("a", "b"))
        print(f"fit {fit['id']}: {fit['method']} {fit['status']}, {len(fit['points'])} points, {len(fit['excluded'])} left out{'; ' + exponents if exponents else ''}")


if __name__ == "__main__":
    main()
