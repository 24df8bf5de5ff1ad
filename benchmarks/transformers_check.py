"""Loads a checkpoint in the transformers library and prints its held-out loss there, to hold against Isoflop's own.

    python3 benchmarks/transformers_check.py CHECKPOINT VAL.BIN [--windows N]

CHECKPOINT has config.json and model.safetensors; VAL.BIN is the dataset's. Windows are non-overlapping, as many as the run's
context gives (or the first N), scored in float64. Also generates 64 greedy tokens, to see that generation works.
"""

import argparse
import pathlib

import torch
from transformers import AutoModelForCausalLM

from sotu_twin import tokens


def main():
    p = argparse.ArgumentParser()
    p.add_argument("checkpoint")
    p.add_argument("bin", type=pathlib.Path)
    p.add_argument("--windows", type=int, default=0)
    a = p.parse_args()
    model = AutoModelForCausalLM.from_pretrained(a.checkpoint, dtype=torch.float32).double()
    context = model.config.max_position_embeddings
    data = tokens(a.bin)
    n = (len(data) - 1) // context
    n = min(n, a.windows) if a.windows else n
    x, y = data[: n * context].view(n, context), data[1 : n * context + 1].view(n, context)
    loss = 0.0
    with torch.no_grad():
        for i in range(0, n, 64):
            logits = model(x[i : i + 64]).logits.flatten(0, 1)
            loss += float(torch.nn.functional.cross_entropy(logits, y[i : i + 64].flatten(), reduction="sum"))
    made = model.generate(x[:1, :16], max_new_tokens=64, do_sample=False, pad_token_id=0)
    print(f"{type(model).__name__}: {loss / (n * context):.7f} nats a token over {n} windows, {made.shape[1] - 16} tokens generated")


if __name__ == "__main__":
    main()
