"""What each rounding to bf16 in Isoflop's training step costs, by leaving one out at a time in a twin that rounds where Isoflop does.

    python3 benchmarks/gpu/torch_roundings.py DIRECTORY [--device cuda] [--out FILE]

DIRECTORY is one that torch_parity.py reads. Products are fp32 here, so that nothing is lost but by the roundings, which are applied by
hand: to values on the way forward, to their gradients on the way back. For each set of roundings: the relative norm of the logits' error,
and of the gradients' errors over the tensors (worst, median), beside fp32.
"""

import argparse
import json
import pathlib
import statistics
import sys

import torch
import torch.nn.functional as F

from torch_llama import InputError, Llama, Shape, device_name, exact_math, read_options, read_safetensors, tensor
from torch_parity import OPTIONS, compare

# a value's rounding and its gradient's, as Isoflop does both
PLACES = {
    "weights": "working copy of the parameters",
    "residual": "residual stream after each addition",
    "d residual": "its gradient after each norm",
    "delta": "what a sublayer adds to it",
    "norm": "output of a norm",
    "d norm": "its gradient, which a product makes",
    "qkv": "queries, keys and values before the rotation",
    "d qkv": "their gradients",
    "rope": "queries and keys after the rotation",
    "d rope": "their gradients, which attention makes",
    "p": "attention's weights, for the product with the values",
    "d scores": "gradient of attention's scores",
    "attention": "attention's output",
    "d attention": "its gradient",
    "gate up": "gate and up",
    "d gate up": "their gradients",
    "act": "silu(gate) up",
    "d act": "its gradient",
    "logits": "logits",
    "d logits": "their gradients",
}
RESIDUAL = {"residual", "d residual"}


class Rounding(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, value, gradient):
        ctx.gradient = gradient
        return x.bfloat16().float() if value else x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return g.bfloat16().float() if ctx.gradient else g, None, None


def forward(model, tokens, on):
    """Logits [B, T, V] with the roundings in the set `on`."""
    def r(name, x):
        return Rounding.apply(x, name in on, "d " + name in on)

    def norm(x, gain):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + model.eps) * r("weights", gain)

    def product(x, w):
        return F.linear(x, r("weights", w))
    (b, t), d, heads = tokens.shape, model.shape.d, model.heads
    cos, sin, mask = model.cos[:t], model.sin[:t], model.mask[:t, :t]
    x = r("residual", F.embedding(tokens, r("weights", model.embedding)))
    for p in model.blocks:
        qkv = r("qkv", product(r("norm", norm(x, p.ln1)), p.qkv)).view(b, t, -1, model.width)
        turned = heads + model.kv_heads
        qk, v = qkv[:, :, :turned], qkv[:, :, turned:]
        if model.qk_norm:
            qk = torch.cat((norm(qk[:, :, :heads], p.q_norm), norm(qk[:, :, heads:], p.k_norm)), 2)
        first, second = qk.chunk(2, -1)
        qk = r("rope", torch.cat((first * cos - second * sin, second * cos + first * sin), -1))
        q, k, v = (y.transpose(1, 2) for y in (qk[:, :, :heads], qk[:, :, heads:], v))
        if model.kv_heads < heads:
            k, v = k.repeat_interleave(heads // model.kv_heads, 1), v.repeat_interleave(heads // model.kv_heads, 1)
        scores = r("scores", q @ k.transpose(-1, -2)) * model.width ** -0.5 + mask
        a = r("attention", (r("p", scores.softmax(-1)) @ v).transpose(1, 2).reshape(b, t, d))
        x = r("residual", x + r("delta", product(a, p.out)))
        gate, up = r("gate up", product(r("norm", norm(x, p.ln2)), p.gate_up)).chunk(2, -1)
        x = r("residual", x + r("delta", product(r("act", F.silu(gate) * up), p.down)))
    head = model.embedding if model.tied else model.head
    return r("logits", product(r("norm", norm(x, model.final)), head))


class Rounded(Llama):
    """A twin with the roundings in the set `on`."""

    def __init__(self, shape, context, on):
        super().__init__(shape, context)
        self.on = on

    def forward(self, tokens):
        return forward(self, tokens, self.on)


def figures(model, window, on):
    model.on = on
    model.zero_grad(set_to_none=True)
    model.loss(window).backward()
    with torch.no_grad():
        return model(window[:, :-1]), model.gradients()


def check(a):
    options = read_options(a.directory / "parity.json", OPTIONS)
    shape = Shape.read(a.directory / "config.json")
    source = a.directory / "parity.safetensors"
    window = tensor(read_safetensors(source), "tokens", [options["steps"], options["batch"], options["context"] + 1], source)[0].long().to(a.device)
    exact_math()
    model = Rounded(shape, options["context"], set()).load(read_safetensors(a.directory / "model.safetensors"), "model.safetensors")
    model = model.to(a.device, torch.float32)
    exact_logits, exact = figures(model, window, set())
    everything = set(PLACES)
    sets = {"all": everything, "none but weights": {"weights"}}
    sets.update({f"all but {name}": everything - {name} for name in PLACES})
    sets["all but both of the residual stream"] = everything - RESIDUAL
    rows = []
    print(f"{device_name(a.device)}: {shape.parameters():,} parameters; relative norm of the error")
    print(f"{'roundings':<42} {'logits':>9} {'gradients, worst':>17} {'median':>9}  worst at")
    for name, on in sets.items():
        logits, gradients = figures(model, window, on)
        errors = {n: compare(gradients[n], exact[n])["relative"] for n in exact}
        worst = max(errors, key=errors.get)
        row = {"roundings": name, "logits": compare(logits, exact_logits)["relative"], "worst": errors[worst], "median": statistics.median(errors.values()),
               "worstAt": worst}
        rows.append(row)
        print(f"{name:<42} {row['logits']:>9.2e} {row['worst']:>17.2e} {row['median']:>9.2e}  {worst}")
    if a.out:
        pathlib.Path(a.out).write_text(json.dumps(rows, indent=1))


def main():
    p = argparse.ArgumentParser(description="Costs of Isoflop's roundings to bf16.")
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--out", help="JSON")
    a = p.parse_args()
    try:
        check(a)
        return 0
    except InputError as e:
        print(e, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
