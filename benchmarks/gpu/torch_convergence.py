"""Trains in fp32 in PyTorch what Isoflop trained in bf16, same weights, same batches, and holds the held-out losses together.

    python3 benchmarks/gpu/torch_convergence.py DIRECTORY [--device cuda] [--tf32] [--out FILE]

DIRECTORY has model.safetensors (the weights before the first step) and config.json as the transformers library names them, and
  convergence.json         batch, context, steps, learningRate (one a step), beta1, beta2, epsilon, weightDecay, gradientClip (0: none)
  convergence.safetensors  starts I64 [steps, batch], the window starts of each step; losses F32 [steps], Isoflop's mean nats before each
                           update; heldout I64 [n], the starts of the held-out windows; heldoutLoss F32 [1], Isoflop's mean nats on them after
  tokens.u16               the tokens, little endian; a window is context + 1 of them

Exit code 0 if the held-out losses are within 0.01 nats, 1 if not, 2 if the input is wrong.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch

from torch_llama import InputError, Llama, Shape, Training, device_name, exact_math, read_options, read_safetensors, tensor

OPTIONS = ("batch", "context", "steps", "learningRate", "beta1", "beta2", "epsilon", "weightDecay", "gradientClip")
BAR = 0.01  # nats


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


@torch.no_grad()
def held_out(model, tokens, starts, span, batch):
    total = 0.0
    for some in starts.split(batch):
        total += float(model.loss(tokens[some[:, None] + span].long())) * len(some)
    return total / len(starts)


def check(a):
    directory = a.directory
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
    if a.tf32:
        torch.set_float32_matmul_precision("high")
    else:
        exact_math()
    weights = read_safetensors(directory / "model.safetensors")
    model = Llama(shape, context, sdpa=True).load(weights, "model.safetensors").to(a.device, torch.float32)
    training = Training(model, options)
    span = torch.arange(context + 1, device=a.device)
    before = held_out(model, tokens, held, span, batch)
    ours, begin = [], time.perf_counter()
    for step in range(steps):
        loss, norm = training.backward(tokens[starts[step][:, None] + span].long())
        training.update(norm)
        ours.append(loss)
        if (step + 1) % 100 == 0 or step + 1 == steps:
            print(f"step {step + 1}: PyTorch {loss:.5f}, Isoflop {float(theirs[step]):.5f}, {time.perf_counter() - begin:.0f} s", flush=True)
    after = held_out(model, tokens, held, span, batch)
    apart = (torch.tensor(ours, dtype=torch.float64) - theirs).abs()
    difference = their_held - after
    ok = abs(difference) <= BAR  # NaN fails
    tail = min(50, steps)
    result = {"device": device_name(a.device), "torch": torch.__version__, "tf32": a.tf32, "steps": steps, "parameters": shape.parameters(),
              "heldoutBefore": before, "heldoutTorch": after, "heldoutIsoflop": their_held, "difference": difference, "bar": BAR, "ok": ok,
              "lossMaxAbs": float(apart.max()), "lossMeanAbs": float(apart.mean()), "lastLossesTorch": sum(ours[-tail:]) / tail,
              "lastLossesIsoflop": float(theirs[-tail:].mean()), "losses": ours}
    print(f"training loss, mean of the last {tail}: PyTorch {result['lastLossesTorch']:.5f}, Isoflop {result['lastLossesIsoflop']:.5f}; apart at a step by "
          f"{result['lossMeanAbs']:.1e} in the mean, {result['lossMaxAbs']:.1e} at most")
    print(f"held-out loss over {len(held)} windows: {before:.5f} before, PyTorch {'TF32' if a.tf32 else 'fp32'} {after:.5f}, Isoflop {their_held:.5f}, "
          f"difference {difference:+.5f} nats, bar {BAR}: {'ok' if ok else 'FAILED'}")
    if a.out:
        pathlib.Path(a.out).write_text(json.dumps(result, indent=1))
    return 0 if ok else 1


def main():
    p = argparse.ArgumentParser(description="Holds Isoflop's held-out loss in bf16 against PyTorch's in fp32.")
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--tf32", action="store_true", help="quicker, less exact")
    p.add_argument("--out", help="JSON")
    a = p.parse_args()
    try:
        return check(a)
    except InputError as e:
        print(e, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
