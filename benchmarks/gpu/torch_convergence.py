"""Trains in fp32 in PyTorch what Isoflop trained in bf16, same weights, same batches, and holds the held-out losses together.

    python3 benchmarks/gpu/torch_convergence.py DIRECTORY [--device cuda] [--twins fp32,nudged] [--out FILE]

DIRECTORY has model.safetensors (the weights before the first step) and config.json as the transformers library names them, and
  convergence.json         batch, context, steps, learningRate (one a step), beta1, beta2, epsilon, weightDecay, gradientClip (0: none)
  convergence.safetensors  starts I64 [steps, batch], the window starts of each step; losses F32 [steps], Isoflop's mean nats before each
                           update; heldout I64 [n], the starts of the held-out windows; heldoutLoss F32 [1], Isoflop's mean nats on them after
  tokens.u16               the tokens, little endian; a window is context + 1 of them

Twins beside fp32: `nudged` is fp32 from the same weights rounded to bf16 once, which says by how much two runs differ that differ by
next to nothing; `tf32`; `autocast` is PyTorch's own way in bf16 with a residual stream in fp32, `autocast-residual` with one in bf16;
`rounded` rounds where Isoflop does, `rounded-residual` does so but for the residual stream (see torch_roundings.py).

Exit code 0 if the held-out losses of Isoflop and the fp32 twin are within 0.01 nats, 1 if not, 2 if the input is wrong.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch

from torch_llama import InputError, Llama, Shape, Training, device_name, exact_math, read_options, read_safetensors, tensor
from torch_roundings import PLACES, RESIDUAL, Rounded

OPTIONS = ("batch", "context", "steps", "learningRate", "beta1", "beta2", "epsilon", "weightDecay", "gradientClip")
BAR = 0.01  # nats
TWINS = ("fp32", "nudged", "tf32", "autocast", "autocast-residual", "rounded", "rounded-residual")


def read_tokens(path, vocab, device):
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    data = np.fromfile(path, "<u2")
    if len(data) == 0 or int(data.max()) >= vocab:
        raise InputError(f"{path}: {len(data)} tokens up to {data.max(initial=0)}, the vocabulary has {vocab}")
    return torch.from_numpy(data.astype("<i4")).to(device)


def check_starts(starts, name, tokens, context, source):
    if int(starts.min()) < 0 or int(starts.max()) + context + 1 > len(tokens):
        raise InputError(f"{source}: {name} go from {int(starts.min())} to {int(starts.max())}; a window of {context + 1} of {len(tokens)} tokens "
                         f"starts at most at {len(tokens) - context - 1}")
    return starts.to(tokens.device)


def make(name, shape, context, weights):
    """A twin and the dtype it autocasts to, if it does."""
    if name.startswith("rounded"):
        return Rounded(shape, context, set(PLACES) - (RESIDUAL if name == "rounded-residual" else set())), None
    bf16 = torch.bfloat16
    if name.startswith("autocast"):
        return Llama(shape, context, sdpa=True, residual=bf16 if name == "autocast-residual" else None), bf16
    if name == "nudged":
        weights.update({n: w.bfloat16().float() for n, w in weights.items()})
    return Llama(shape, context, sdpa=True), None


class Data:
    """Tokens and where the windows of training and of the held-out text begin."""

    def __init__(self, tokens, starts, held, context, batch):
        self.tokens, self.starts, self.held, self.batch = tokens, starts, held, batch
        self.span = torch.arange(context + 1, device=tokens.device)

    def windows(self, starts):
        return self.tokens[starts[:, None] + self.span].long()

    @torch.no_grad()
    def held_out(self, model, autocast):
        total = 0.0
        with torch.autocast(self.tokens.device.type, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
            for some in self.held.split(self.batch):
                total += float(model.loss(self.windows(some))) * len(some)
        return total / len(self.held)


def train(name, shape, options, weights, data, theirs):
    """Losses of all steps, and on the held-out windows before and after."""
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
    model, autocast = make(name, shape, options["context"], weights)
    model = model.load(weights, "model.safetensors").to(data.tokens.device, torch.float32)
    training = Training(model, options, autocast)
    before, losses, begin = data.held_out(model, autocast), [], time.perf_counter()
    for step in range(options["steps"]):
        loss, norm = training.backward(data.windows(data.starts[step]))
        training.update(norm)
        losses.append(loss)
        if (step + 1) % 100 == 0 or step + 1 == options["steps"]:
            print(f"{name}, step {step + 1}: {loss:.5f}, Isoflop {float(theirs[step]):.5f}, {time.perf_counter() - begin:.0f} s", flush=True)
    return losses, before, data.held_out(model, autocast)


def check(a):
    directory, twins = a.directory, a.twins.split(",")
    unknown = [t for t in twins if t not in TWINS]
    if unknown:
        raise InputError(f"--twins {unknown[0]}: {', '.join(TWINS)} are known")
    options = read_options(directory / "convergence.json", OPTIONS)
    batch, context, steps = options["batch"], options["context"], options["steps"]
    shape = Shape.read(directory / "config.json")
    source = directory / "convergence.safetensors"
    tensors = read_safetensors(source)
    tokens = read_tokens(directory / "tokens.u16", shape.vocab, a.device)
    starts = check_starts(tensor(tensors, "starts", [steps, batch], source), "starts", tokens, context, source)
    theirs = tensor(tensors, "losses", [steps], source).double()
    if "heldout" not in tensors or tensors["heldout"].dim() != 1 or len(tensors["heldout"]) == 0:
        raise InputError(f"{source}: heldout is missing or no list of window starts")
    held = check_starts(tensors["heldout"], "heldout", tokens, context, source)
    their_held = float(tensor(tensors, "heldoutLoss", [1], source))
    data, tail = Data(tokens, starts, held, context, batch), min(50, steps)
    exact_math()
    rows, ok = [], True
    for name in twins:
        weights = read_safetensors(directory / "model.safetensors")
        losses, before, after = train(name, shape, options, weights, data, theirs)
        apart = (torch.tensor(losses, dtype=torch.float64) - theirs).abs()
        difference = their_held - after
        if name == "fp32":
            ok = abs(difference) <= BAR  # NaN fails
        rows.append({"twin": name, "heldoutBefore": before, "heldoutTorch": after, "difference": difference, "lossMaxAbs": float(apart.max()),
                     "lossMeanAbs": float(apart.mean()), "lastLossesTorch": sum(losses[-tail:]) / tail, "losses": losses})
    result = {"device": device_name(a.device), "torch": torch.__version__, "steps": steps, "parameters": shape.parameters(), "bar": BAR, "ok": ok,
              "heldoutIsoflop": their_held, "lastLossesIsoflop": float(theirs[-tail:].mean()), "twins": rows}
    print(f"Isoflop: training loss, mean of the last {tail}, {result['lastLossesIsoflop']:.5f}; held-out loss over {len(held)} windows {their_held:.5f}")
    for r in rows:
        verdict = f", bar {BAR}: {'ok' if ok else 'FAILED'}" if r["twin"] == "fp32" else ""
        print(f"PyTorch {r['twin']}: {r['lastLossesTorch']:.5f}; held-out {r['heldoutBefore']:.5f} before, {r['heldoutTorch']:.5f} after; Isoflop is "
              f"{r['difference']:+.5f} nats off{verdict}; training losses apart by {r['lossMeanAbs']:.1e} in the mean, {r['lossMaxAbs']:.1e} at most")
    if a.out:
        pathlib.Path(a.out).write_text(json.dumps(result, indent=1))
    return 0 if ok else 1


def main():
    p = argparse.ArgumentParser(description="Holds Isoflop's held-out loss against PyTorch's.")
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--twins", default="fp32", help="of " + ", ".join(TWINS))
    p.add_argument("--out", help="JSON")
    a = p.parse_args()
    try:
        return check(a)
    except InputError as e:
        print(e, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
