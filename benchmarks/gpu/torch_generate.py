"""Loads a checkpoint in the transformers library and continues the prompts that Isoflop continued, greedily.

    python3 benchmarks/gpu/torch_generate.py DIRECTORY [--device cuda]

DIRECTORY has config.json, model.safetensors and generated.safetensors: prompts I64 [n, p] and generated I64 [n, g], Isoflop's
continuations in fp32. Exit code 0 if all tokens are the same, 1 if not.
"""

import argparse
import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def main():
    p = argparse.ArgumentParser(description="Continues prompts in transformers and compares with Isoflop's continuations.")
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    a = p.parse_args()
    torch.set_float32_matmul_precision("highest")
    said = load_file(a.directory / "generated.safetensors")
    prompts, theirs = said["prompts"].to(a.device), said["generated"].to(a.device)
    model = AutoModelForCausalLM.from_pretrained(a.directory, dtype=torch.float32).to(a.device).eval()
    count = theirs.shape[1]
    with torch.no_grad():
        made = model.generate(prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
        made = made[:, prompts.shape[1]:]
        same = (made == theirs).all(1)
        print(f"{type(model).__name__}: {int(same.sum())} of {len(same)} continuations of {count} greedy tokens are the same")
        for i in (~same).nonzero().flatten().tolist():
            at = int((made[i] != theirs[i]).nonzero()[0])
            logits = model(torch.cat((prompts[i], theirs[i]))[None, : prompts.shape[1] + at]).logits[0, -1].double()
            top = logits.topk(2).values
            print(f"  prompt {i} parts at token {at}, where the two most likely are {float(top[0] - top[1]):.1e} apart")
    return 0 if bool(same.all()) else 1


if __name__ == "__main__":
    sys.exit(main())
