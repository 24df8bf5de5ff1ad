"""Holds logits, losses, gradients and AdamW steps that Isoflop wrote against the same computed in PyTorch from the same weights.

    python3 benchmarks/gpu/torch_parity.py DIRECTORY [--device cuda] [--double] [--out FILE]

DIRECTORY has
  model.safetensors   the weights before the first step, under the names of the transformers library
  config.json         the shape, likewise (Llama, or Qwen3 with QK-norm)
  parity.json         batch, context, steps, learningRate (one a step), beta1, beta2, epsilon, weightDecay, gradientClip (0: none),
                      precision ("fp32" or "bf16", what Isoflop computed in)
  parity.safetensors  tokens I64 [steps, batch, context + 1]; logits F32 [batch * context, vocabulary] of the first batch; loss F32 [steps],
                      mean nats before each update; gradNorm F32 [steps], before clipping; grad.NAME F32, the first step's gradient
                      before clipping; after.NAME F32, the parameters after all steps

The reference is an fp32 twin (no TF32, attention written out), or a float64 one with --double. The columns beside Isoflop's have
what PyTorch itself differs by in the same precision: bf16 autocast with a residual stream in fp32 and in bf16, or fp32 beside
--double. They have no bar. Exit code 0 if every bar holds, 1 if one does not, 2 if the input is wrong.
"""

import argparse
import json
import pathlib
import sys

import torch

from torch_llama import InputError, Llama, Shape, Training, device_name, exact_math, read_options, read_safetensors, tensor

OPTIONS = ("batch", "context", "steps", "learningRate", "beta1", "beta2", "epsilon", "weightDecay", "gradientClip", "precision")
# quantity to largest value that passes, None where it is only shown; a cosine is the smallest that passes
BARS = {
    "fp32": {"logits max abs": 1e-3, "logits relative": None, "logits cosine": None, "loss max abs": 1e-5, "gradient norm relative": 1e-4,
             "gradient max abs": 1e-6, "gradient relative": 1e-4, "gradient cosine": None,
             "parameter max abs": None, "parameter relative": 1e-4, "parameter cosine": None},
    "bf16": {"logits max abs": None, "logits relative": 1e-2, "logits cosine": 0.999, "loss max abs": None, "gradient norm relative": 1e-2,
             "gradient max abs": None, "gradient relative": 1e-2, "gradient cosine": 0.999,
             "parameter max abs": None, "parameter relative": 1e-2, "parameter cosine": 0.999},
}


class Figures:
    """What one computation gives: all on the CPU, but for logits, which may be large."""

    def __init__(self, logits, losses, norms, gradients, after):
        self.logits, self.losses, self.norms, self.gradients, self.after = logits, losses, norms, gradients, after


def compute(shape, weights, options, tokens, device, dtype=torch.float32, autocast=None, residual=None):
    """The twin's figures. `autocast` is PyTorch's own way in bf16; without it everything is exact."""
    context = options["context"]
    model = Llama(shape, context, sdpa=autocast is not None, residual=residual).load(weights, "model.safetensors").to(device, dtype)
    training = Training(model, options, autocast)
    with torch.no_grad(), torch.autocast(device, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
        logits = model(tokens[0, :, :-1]).flatten(0, 1)
    losses, norms, gradients = [], [], None
    for step in range(options["steps"]):
        loss, norm = training.backward(tokens[step])
        if step == 0:
            gradients = {n: g.cpu() for n, g in model.gradients().items()}
        training.update(norm)
        losses.append(loss)
        norms.append(norm)
    return Figures(logits, torch.tensor(losses, dtype=torch.float64), torch.tensor(norms, dtype=torch.float64), gradients,
                   {n: v.cpu() for n, v in model.values().items()})


def written(tensors, reference, shape, options, source, device):
    """Isoflop's figures, every shape checked."""
    rows, steps = options["batch"] * options["context"], options["steps"]

    def named(prefix, like):
        def one(name, value):
            key = prefix + name
            if key in tensors and value.dim() == 1:  # a gain may be [1, d]
                return tensor({key: tensors[key].reshape(-1)}, key, value.shape, source)
            return tensor(tensors, key, value.shape, source)
        return {n: one(n, v) for n, v in like.items()}
    return Figures(tensor(tensors, "logits", [rows, shape.vocab], source).to(device), tensor(tensors, "loss", [steps], source).double(),
                   tensor(tensors, "gradNorm", [steps], source).double(), named("grad.", reference.gradients), named("after.", reference.after))


def compare(value, reference):
    """Largest absolute difference, relative norm of the difference, cosine; all in float64, by pieces to bound memory."""
    largest = difference = size = own = dot = 0.0
    for a, b in zip(value.reshape(-1).split(1 << 26), reference.reshape(-1).split(1 << 26)):
        a, b = a.double(), b.double()
        d = a - b
        largest = max_or_nan(largest, float(d.abs().max()))
        difference, size, own, dot = difference + float(d @ d), size + float(b @ b), own + float(a @ a), dot + float(a @ b)
    if size == 0.0:
        same = difference == 0.0
        return {"maxAbs": largest, "relative": 0.0 if same else float("inf"), "cosine": 1.0 if same else 0.0}
    return {"maxAbs": largest, "relative": (difference / size) ** 0.5, "cosine": dot / (size * own) ** 0.5 if own > 0 else 0.0}


def max_or_nan(a, b):
    return a if a != a or a > b else b  # max() would drop a NaN


def worst(each):
    """The worst of each measure over all tensors, and whose it is."""
    result = {}
    for measure in ("maxAbs", "relative", "cosine"):
        def badness(name):
            value = each[name][measure]
            return float("inf") if value != value else -value if measure == "cosine" else value
        name = max(each, key=badness)
        result[measure] = (each[name][measure], name)
    return result


def quantities(figures, reference):
    """Quantity to (value, tensor or step), and every tensor's own figures."""
    logits = compare(figures.logits, reference.logits)
    losses, norms = (figures.losses - reference.losses).abs(), ((figures.norms - reference.norms) / reference.norms).abs()
    result = {"logits max abs": (logits["maxAbs"], ""), "logits relative": (logits["relative"], ""), "logits cosine": (logits["cosine"], ""),
              "loss max abs": (float(losses.max()), f"step {int(losses.argmax())}"),
              "gradient norm relative": (float(norms.max()), f"step {int(norms.argmax())}")}
    details = {}
    for kind, mine, other in (("gradient", figures.gradients, reference.gradients), ("parameter", figures.after, reference.after)):
        each = details[kind] = {name: compare(mine[name], other[name]) for name in other}
        w = worst(each)
        result.update({f"{kind} max abs": w["maxAbs"], f"{kind} relative": w["relative"], f"{kind} cosine": w["cosine"]})
    return result, details


def holds(name, value, bar):
    return bar is None or (value > bar if name.endswith("cosine") else value <= bar)  # NaN fails


def shown(name, value):
    return f"{value:.7f}" if name.endswith("cosine") else f"{value:.2e}"


def check(a):
    directory = a.directory
    options = read_options(directory / "parity.json", OPTIONS)
    precision = options["precision"]
    if precision not in BARS:
        raise InputError(f"{directory / 'parity.json'}: precision is {precision!r}; fp32 and bf16 are known")
    shape = Shape.read(directory / "config.json")
    weights = read_safetensors(directory / "model.safetensors")
    source = directory / "parity.safetensors"
    tensors = read_safetensors(source)
    tokens = tensor(tensors, "tokens", [options["steps"], options["batch"], options["context"] + 1], source).long()
    if int(tokens.min()) < 0 or int(tokens.max()) >= shape.vocab:
        raise InputError(f"{source}: tokens go from {int(tokens.min())} to {int(tokens.max())}, the vocabulary has {shape.vocab}")
    tokens = tokens.to(a.device)
    exact_math()
    run = lambda **how: compute(shape, weights, options, tokens, a.device, **how)  # noqa: E731
    reference = run(dtype=torch.float64 if a.double else torch.float32)
    values, details = quantities(written(tensors, reference, shape, options, source, a.device), reference)
    peers = {}
    if precision == "bf16":
        peers["autocast"] = quantities(run(autocast=torch.bfloat16), reference)[0]
        peers["autocast, bf16 residual"] = quantities(run(autocast=torch.bfloat16, residual=torch.bfloat16), reference)[0]
    elif a.double:
        peers["PyTorch fp32"] = quantities(run(), reference)[0]
    rows = []
    for name, bar in BARS[precision].items():
        value, where = values[name]
        rows.append({"quantity": name, "value": value, "bar": bar, "ok": holds(name, value, bar), "worst": where,
                     "torch": {peer: figures[name][0] for peer, figures in peers.items()}})
    result = {"device": device_name(a.device), "torch": torch.__version__, "precision": precision, "reference": "fp64" if a.double else "fp32",
              "steps": options["steps"], "parameters": shape.parameters(), "ok": all(r["ok"] for r in rows), "quantities": rows, "tensors": details}
    print(f"{result['device']}, PyTorch {torch.__version__}: Isoflop in {precision} against {result['reference']}, "
          f"{options['steps']} steps of {options['batch']} x {options['context']} tokens, {shape.parameters():,} parameters")
    print(f"{'quantity':<23} {'Isoflop':>10} {'bar':>8}        " + "".join(f"{peer:>25}" for peer in peers) + "  worst at")
    for r in rows:
        bar = "-" if r["bar"] is None else f"{r['bar']:g}"
        print(f"{r['quantity']:<23} {shown(r['quantity'], r['value']):>10} {bar:>8} {'' if r['bar'] is None else 'ok' if r['ok'] else 'FAILED':<6} "
              + "".join(f"{shown(r['quantity'], v):>25}" for v in r["torch"].values()) + f"  {r['worst']}")
    print("every bar holds" if result["ok"] else "FAILED: " + ", ".join(r["quantity"] for r in rows if not r["ok"]))
    if a.out:
        pathlib.Path(a.out).write_text(json.dumps(result, indent=1))
    return 0 if result["ok"] else 1


def main():
    p = argparse.ArgumentParser(description="Holds what Isoflop computed against PyTorch.")
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--double", action="store_true", help="a float64 reference")
    p.add_argument("--out", help="JSON")
    a = p.parse_args()
    try:
        return check(a)
    except InputError as e:
        print(e, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
