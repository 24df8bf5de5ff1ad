"""A trainer that Isoflop knows nothing about: it prints its metrics as lines of JSON and keeps its state in a directory.

Run by hand it needs nothing of Isoflop:  python3 train_tiny.py --steps 200
"""

import argparse
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpoint-every", type=int, default=50)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to sleep each step, so that there is something to watch")
    return parser.parse_args()


def save(directory, step, model, optimizer, generator):
    """Each file is replaced whole, and DONE-<step> comes last: then the directory is a checkpoint."""
    state = {
        "step": step,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "generator": generator.get_state(),
    }
    torch.save(state, directory / "state.tmp")
    os.replace(directory / "state.tmp", directory / "state.pt")
    (directory / f"DONE-{step}").touch()


def main():
    args = arguments()
    directory = Path(os.environ.get("ISOFLOP_CHECKPOINT_DIR", "checkpoints"))
    directory.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    torch.manual_seed(args.seed)
    model = nn.Sequential(nn.Linear(1, args.width), nn.Tanh(), nn.Linear(args.width, args.width), nn.Tanh(), nn.Linear(args.width, 1))
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    generator = torch.Generator().manual_seed(args.seed)

    step = 0
    if int(os.environ.get("ISOFLOP_RESUME_STEP", "0")) > 0:
        state = torch.load(directory / "state.pt", map_location="cpu")
        step = state["step"]
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        print(f"goes on after step {step}")

    stopping = False

    def stop(signum, frame):
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    print(f"\033[1mtraining\033[0m on {device}, torch {torch.__version__}", file=sys.stderr)

    while step < args.steps and not stopping:
        x = torch.rand(64, 1, generator=generator) * 2 - 1
        y = torch.sin(math.pi * x)
        loss = nn.functional.mse_loss(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        print(
            json.dumps({"step": step, "metrics": {"train/loss": loss.item()}, "stage": "training", "progress": step / args.steps}),
            flush=True,
        )
        if step % args.checkpoint_every == 0 and step < args.steps:
            save(directory, step, model, optimizer, generator)
        if args.pause:
            time.sleep(args.pause)

    save(directory, step, model, optimizer, generator)
    if stopping:
        sys.exit(0)  # asked to make room: the checkpoint above is where the next attempt goes on

    with torch.no_grad():
        x = torch.linspace(-1, 1, 257).unsqueeze(1)
        error = nn.functional.mse_loss(model(x.to(device)), torch.sin(math.pi * x).to(device)).item()
    print(json.dumps({"step": step, "eval/loss": error}), flush=True)
    Path("result.json").write_text(json.dumps({"loss": error, "width": args.width, "lr": args.lr}))


if __name__ == "__main__":
    main()
