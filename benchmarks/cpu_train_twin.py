"""The model of `lm` in PyTorch, trained on the CPU: the peer of `isoflop bench cpu-train`.

Llama-shaped decoder (RMSNorm, half-split RoPE, SwiGLU, tied head), AdamW (0.9, 0.95, decay 0.1), global-norm clipping at 1.
Works with PyTorch 1.13 and newer; uses scaled_dot_product_attention and the fastest AdamW the version has.
Prints one line of JSON.
"""

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F


class Block(torch.nn.Module):
    def __init__(self, d, heads, ff):
        super().__init__()
        self.heads = heads
        self.ln1 = torch.nn.Parameter(torch.ones(d))
        self.ln2 = torch.nn.Parameter(torch.ones(d))
        self.qkv = torch.nn.Linear(d, 3 * d, bias=False)
        self.out = torch.nn.Linear(d, d, bias=False)
        self.gate_up = torch.nn.Linear(d, 2 * ff, bias=False)
        self.down = torch.nn.Linear(ff, d, bias=False)

    def forward(self, x, cos, sin, mask):
        b, t, d = x.shape
        q, k, v = self.qkv(norm(x, self.ln1)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if hasattr(F, "scaled_dot_product_attention"):
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            a = ((q @ k.transpose(-1, -2)) / math.sqrt(d // self.heads) + mask).softmax(-1) @ v
        x = x + self.out(a.transpose(1, 2).reshape(b, t, d))
        gate, up = self.gate_up(norm(x, self.ln2)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


def norm(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * gain


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Model(torch.nn.Module):
    def __init__(self, vocab, context, d, layers, heads, ff):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.randn(vocab, d) * 0.02)
        self.blocks = torch.nn.ModuleList(Block(d, heads, ff) for _ in range(layers))
        self.final = torch.nn.Parameter(torch.ones(d))
        half = d // heads // 2
        angles = torch.arange(context)[:, None] * 10000.0 ** (-torch.arange(half) / half)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1))

    def forward(self, tokens):
        x = self.embedding[tokens]
        for block in self.blocks:
            x = block(x, self.cos, self.sin, self.mask)
        return norm(x, self.final) @ self.embedding.t()


def main():
    p = argparse.ArgumentParser()
    for name in ("vocab", "context", "d", "layers", "heads", "ff", "batch", "threads"):
        p.add_argument("--" + name, type=int, required=True)
    p.add_argument("--seconds", type=float, default=10.0)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    model = Model(a.vocab, a.context, a.d, a.layers, a.heads, a.ff)
    decay = [q for q in model.parameters() if q.dim() > 1]
    plain = [q for q in model.parameters() if q.dim() <= 1]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizers = ({"fused": True}, {"foreach": True}, {})
    for options in optimizers:
        try:
            adam = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), **options)
            break
        except (TypeError, RuntimeError):
            continue
    data = torch.randint(a.vocab, (a.batch, a.context + 1))
    parameters = list(model.parameters())
    best, steps, end = float("inf"), 0, time.perf_counter() + a.seconds
    while steps < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        loss = F.cross_entropy(model(data[:, :-1]).flatten(0, 1), data[:, 1:].flatten())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        best = min(best, time.perf_counter() - start)
        steps += 1
    print(json.dumps({"tokensPerSecond": a.batch * a.context / best, "steps": steps, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
