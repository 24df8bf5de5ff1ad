"""Trains a cell of the parity table in PyTorch on Isoflop's own token bins: how much of a difference is luck?

    python3 benchmarks/sotu_twin.py DATASET --flops 1e11 --width 24 --batch 4 --seeds 8 --order random|grid

DATASET is a directory with train.bin and val.bin (in a runner's home, under datasets/). The model is that of cpu_train_twin.py;
initialisation, AdamW, clipping, warm-up and cosine are Isoflop's. `random` draws windows at random, `grid` visits every window
once an epoch in random order, as Isoflop does. Prints the held-out loss in nats per token, all windows, a line a seed.
"""

import argparse
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

from cpu_train_twin import Model

VOCAB, CONTEXT, RATE = 1024, 128, 1e-2
HEADS = {16: 2, 24: 2, 32: 2, 48: 3, 64: 4}


def tokens(path):
    data = path.read_bytes()
    magic, version, width, _, _, count = struct.unpack_from("<8siiiiq", data)
    if magic != b"ISOFTOK1" or version != 1:
        raise SystemExit(f"{path} is no token bin")
    ids = np.frombuffer(data, {2: "<u2", 4: "<u4"}[width], count, 128)
    return torch.from_numpy(ids.astype("int64"))


def initialise(model, layers):
    for name, p in model.named_parameters():
        if p.dim() > 1:
            std = 0.02 if name == "embedding" else 1 / math.sqrt(p.shape[1])
            if name.endswith(("out.weight", "down.weight")):
                std /= math.sqrt(2 * layers)
            torch.nn.init.normal_(p, 0, std)


def train(a, seed, data):
    torch.manual_seed(seed)
    d = a.width
    layers = 2 if d < 32 else 3 if d < 64 else 4
    model = Model(VOCAB, CONTEXT, d, layers, HEADS[d], math.ceil(8 * d / 3 / 8) * 8)
    initialise(model, layers)
    n = sum(p.numel() for p in model.parameters())
    steps = int(a.flops / (6 * n) / (a.batch * CONTEXT))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95))
    draws = torch.Generator().manual_seed(seed + 1000)
    windows = (len(data) - CONTEXT) // CONTEXT
    grid = torch.randperm(windows, generator=draws)
    warmup = math.ceil(0.1 * steps)
    span = torch.arange(CONTEXT + 1)
    for step in range(steps):
        if step < warmup:
            rate = RATE * (step + 1) / warmup
        else:
            rate = RATE * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))))
        for group in adam.param_groups:
            group["lr"] = rate
        if a.order == "random":
            start = torch.randint(len(data) - CONTEXT - 1, (a.batch,), generator=draws)
        else:
            start = grid[torch.arange(step * a.batch, (step + 1) * a.batch) % windows] * CONTEXT
        w = data[start[:, None] + span]
        loss = F.cross_entropy(model(w[:, :-1]).flatten(0, 1), w[:, 1:].flatten())
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return model, steps


@torch.no_grad()
def held_out(model, data):
    n = (len(data) - 1) // CONTEXT
    x, y = data[: n * CONTEXT].view(n, CONTEXT), data[1 : n * CONTEXT + 1].view(n, CONTEXT)
    sums = [F.cross_entropy(model(x[i : i + 64]).flatten(0, 1), y[i : i + 64].flatten(), reduction="sum") for i in range(0, n, 64)]
    return float(sum(sums)) / (n * CONTEXT)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("dataset", type=pathlib.Path)
    p.add_argument("--flops", type=float, required=True)
    p.add_argument("--width", type=int, required=True, choices=HEADS)
    p.add_argument("--batch", type=int, required=True)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--order", choices=("random", "grid"), default="random")
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    data, held = tokens(a.dataset / "train.bin"), tokens(a.dataset / "val.bin")
    for seed in range(1, a.seeds + 1):
        model, steps = train(a, seed, data)
        print(f"{a.flops:g} d{a.width} batch {a.batch} {a.order} seed {seed}: {steps} steps, {held_out(model, held):.4f}", flush=True)


if __name__ == "__main__":
    main()
