"""The model Isoflop trains, in PyTorch, and what the scripts beside this one share: its counts, its step, safetensors.

A Llama-shaped decoder (RMSNorm before each sublayer, half-split rotary positions, grouped-query causal attention, optional QK-norm,
SwiGLU, no biases) with the projections that read the same input joined into one product, which is the quicker way. Runs from
PyTorch 1.13 on; newer versions bring fused norms and attention.
"""

import dataclasses
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

HAS_SDPA = hasattr(F, "scaled_dot_product_attention")
HAS_RMS_NORM = hasattr(F, "rms_norm")
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U16": "<u2", "U8": "u1"}


class InputError(Exception):
    """An input file is missing or not what it should be."""


@dataclasses.dataclass(frozen=True)
class Shape:
    vocab: int
    d: int
    layers: int
    heads: int
    kv_heads: int
    ff: int
    eps: float = 1e-5
    theta: float = 10000.0
    tied: bool = True
    qk_norm: bool = False

    @staticmethod
    def llama(vocab, d, layers, heads, multiple=8):
        """Isoflop's default: as many key heads as query heads, a SwiGLU of 8/3 d rounded up to a multiple of 8."""
        return Shape(vocab, d, layers, heads, heads, math.ceil(math.ceil(8 * d / 3) / multiple) * multiple)

    @staticmethod
    def read(path):
        """From a config.json as the transformers library writes it."""
        root = read_json(path)
        try:
            heads, d = root["num_attention_heads"], root["hidden_size"]
            if root.get("head_dim") not in (None, d // heads) or d % heads:
                raise InputError(f"{path}: head_dim times num_attention_heads is not hidden_size, which this twin needs")
            if root.get("attention_bias") or root.get("mlp_bias"):
                raise InputError(f"{path}: biases are not supported")
            rope = root.get("rope_parameters") or {}
            return Shape(root["vocab_size"], d, root["num_hidden_layers"], heads, root.get("num_key_value_heads") or heads,
                         root["intermediate_size"], root.get("rms_norm_eps", 1e-6), root.get("rope_theta", rope.get("rope_theta", 10000.0)),
                         root.get("tie_word_embeddings", False), root.get("model_type") == "qwen3")
        except KeyError as e:
            raise InputError(f"{path}: {e.args[0]} is missing") from e

    @property
    def head(self):
        return self.d // self.heads

    @property
    def qkv_width(self):
        return (self.heads + 2 * self.kv_heads) * self.head

    def non_embedding(self):
        """All parameters but the embedding table and the output head; norm gains are counted."""
        matrices = self.qkv_width * self.d + self.d * self.d + 3 * self.d * self.ff
        return self.layers * (matrices + 2 * self.d + (2 * self.head if self.qk_norm else 0)) + self.d

    def parameters(self):
        return self.non_embedding() + (1 if self.tied else 2) * self.vocab * self.d

    def flops_per_token(self, context):
        """6 N for the weights, 6 V d for the head, 6 L d (T + 1) for the causal half of attention."""
        return 6 * self.non_embedding() + 6 * self.vocab * self.d + 6 * self.layers * self.d * (context + 1)


class Block(torch.nn.Module):
    def __init__(self, s):
        super().__init__()
        self.ln1 = torch.nn.Parameter(torch.ones(s.d))
        self.qkv = torch.nn.Parameter(torch.empty(s.qkv_width, s.d))  # rows of q, then k, then v
        if s.qk_norm:
            self.q_norm = torch.nn.Parameter(torch.ones(s.head))
            self.k_norm = torch.nn.Parameter(torch.ones(s.head))
        self.out = torch.nn.Parameter(torch.empty(s.d, s.d))
        self.ln2 = torch.nn.Parameter(torch.ones(s.d))
        self.gate_up = torch.nn.Parameter(torch.empty(2 * s.ff, s.d))  # rows of gate, then up
        self.down = torch.nn.Parameter(torch.empty(s.d, s.ff))


class Llama(torch.nn.Module):
    """
    `fused` takes PyTorch's own norm and attention, else both are written out in the dtype at hand. `residual`: the dtype of the
    residual stream, None for that of the parameters. `sdpa`: attention alone by PyTorch's own.
    """

    def __init__(self, shape, context, fused=False, sdpa=False, residual=None):
        super().__init__()
        self.shape, self.residual = shape, residual
        self.heads, self.kv_heads, self.width, self.eps = shape.heads, shape.kv_heads, shape.head, shape.eps  # plain, for the compiler
        self.tied, self.qk_norm = shape.tied, shape.qk_norm
        self.sdpa = (fused or sdpa) and HAS_SDPA
        self.fused_norm = fused and HAS_RMS_NORM
        self.embedding = torch.nn.Parameter(torch.empty(shape.vocab, shape.d))
        self.blocks = torch.nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.final = torch.nn.Parameter(torch.ones(shape.d))
        if not shape.tied:
            self.head = torch.nn.Parameter(torch.empty(shape.vocab, shape.d))
        half = shape.head // 2
        angles = torch.arange(context, dtype=torch.float64)[:, None] * shape.theta ** (-torch.arange(half, dtype=torch.float64) / half)
        self.register_buffer("cos", angles.cos()[:, None, :])  # [T, 1, head / 2], in float64 until the model is moved
        self.register_buffer("sin", angles.sin()[:, None, :])
        if not self.sdpa:
            self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1))

    def initialise(self):
        """As Isoflop: 0.02 for the table, 1 / sqrt(columns) for projections, those that write the residual stream less."""
        for name, p in self.named_parameters():
            if p.dim() == 2:
                std = 0.02 if name in ("embedding", "head") else p.shape[1] ** -0.5
                if name.endswith((".out", ".down")):
                    std /= math.sqrt(2 * self.shape.layers)
                torch.nn.init.normal_(p, 0, std)
        return self

    def norm(self, x, gain):
        if self.fused_norm:
            return F.rms_norm(x, gain.shape, gain.to(x.dtype), self.eps)
        wide = x.to(gain.dtype)
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps) * gain).to(x.dtype)

    def attention(self, q, k, v):
        """q [B, H, T, head]; k and v [B, Hkv, T, head]."""
        if self.kv_heads < self.heads:
            groups_of = self.heads // self.kv_heads
            k, v = k.repeat_interleave(groups_of, 1), v.repeat_interleave(groups_of, 1)
        if self.sdpa:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        t = q.shape[2]
        scores = (q @ k.transpose(-1, -2)).to(self.mask.dtype) * self.width ** -0.5 + self.mask[:t, :t]  # [B, H, T, T]
        return scores.softmax(-1).to(v.dtype) @ v

    def block(self, x, p):
        b, t, d = x.shape
        heads = F.linear(self.norm(x, p.ln1), p.qkv).view(b, t, -1, self.width)
        turned = self.heads + self.kv_heads
        qk, v = heads[:, :, :turned], heads[:, :, turned:]
        if self.qk_norm:
            qk = torch.cat((self.norm(qk[:, :, :self.heads], p.q_norm), self.norm(qk[:, :, self.heads:], p.k_norm)), 2)
        first, second = qk.chunk(2, -1)
        cos, sin = self.cos[:t], self.sin[:t]
        qk = torch.cat((first * cos - second * sin, second * cos + first * sin), -1).to(v.dtype)
        q, k = qk[:, :, :self.heads], qk[:, :, self.heads:]
        a = self.attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x = x + F.linear(a.transpose(1, 2).reshape(b, t, d), p.out).to(x.dtype)
        gate, up = F.linear(self.norm(x, p.ln2), p.gate_up).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, p.down).to(x.dtype)

    def forward(self, tokens):
        """tokens [B, T] to logits [B, T, V]."""
        x = F.embedding(tokens, self.embedding)
        if self.residual is not None:
            x = x.to(self.residual)
        for p in self.blocks:
            x = self.block(x, p)
        return F.linear(self.norm(x, self.final), self.embedding if self.tied else self.head)

    def loss(self, window):
        """window [B, T + 1]; mean nats per token."""
        logits = self(window[:, :-1]).flatten(0, 1)
        if logits.dtype in (torch.bfloat16, torch.float16):
            logits = logits.float()
        return F.cross_entropy(logits, window[:, 1:].reshape(-1))

    def tensors(self):
        """Checkpoint name to (parameter, first row, last row + 1); rows are None for a whole parameter."""
        s, names = self.shape, {"model.embed_tokens.weight": (self.embedding, None, None)}
        q, k, v = (n * s.head for n in (s.heads, s.heads + s.kv_heads, s.heads + 2 * s.kv_heads))
        for i, p in enumerate(self.blocks):
            parts = {"input_layernorm": (p.ln1, None, None), "self_attn.q_proj": (p.qkv, 0, q), "self_attn.k_proj": (p.qkv, q, k),
                     "self_attn.v_proj": (p.qkv, k, v), "self_attn.o_proj": (p.out, None, None),
                     "post_attention_layernorm": (p.ln2, None, None), "mlp.gate_proj": (p.gate_up, 0, s.ff),
                     "mlp.up_proj": (p.gate_up, s.ff, 2 * s.ff), "mlp.down_proj": (p.down, None, None)}
            if s.qk_norm:
                parts["self_attn.q_norm"], parts["self_attn.k_norm"] = (p.q_norm, None, None), (p.k_norm, None, None)
            names.update({f"model.layers.{i}.{part}.weight": where for part, where in parts.items()})
        names["model.norm.weight"] = (self.final, None, None)
        if not s.tied:
            names["lm_head.weight"] = (self.head, None, None)
        return names

    @torch.no_grad()
    def load(self, weights, source):
        """@raises InputError on a tensor that is missing, unknown or of another shape"""
        names = self.tensors()
        extra = sorted(set(weights) - set(names) - ({"lm_head.weight"} if self.shape.tied else set()))
        if extra:
            raise InputError(f"{source}: {extra[0]} is not a tensor of this model ({len(extra)} such)")
        for name, (p, first, last) in names.items():
            target = p[first:last]
            if name not in weights:
                raise InputError(f"{source}: {name} is missing")
            value = weights[name].reshape(-1) if p.dim() == 1 else weights[name]  # a gain may be [1, d]
            if value.shape != target.shape:
                raise InputError(f"{source}: {name} is {list(value.shape)}, the configuration says {list(target.shape)}")
            target.copy_(value)
        return self

    def values(self):
        return {name: p.detach()[a:b].clone() for name, (p, a, b) in self.tensors().items()}

    def gradients(self):
        return {name: p.grad.detach()[a:b].clone() for name, (p, a, b) in self.tensors().items()}


def groups(model, decay):
    """Matrices decay, the embedding too; gains do not."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    gains = [p for p in model.parameters() if p.dim() == 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": gains, "weight_decay": 0.0}]


class Training:
    """One exact step after another, as Isoflop defines it: gradients, their norm, clipping at `limit` (0: none), AdamW."""

    def __init__(self, model, options, autocast=None):
        self.model, self.limit, self.rates, self.autocast = model, options["gradientClip"], options["learningRate"], autocast
        self.parameters = list(model.parameters())
        self.adam = torch.optim.AdamW(groups(model, options["weightDecay"]), lr=1.0, betas=(options["beta1"], options["beta2"]),
                                      eps=options["epsilon"])
        self.steps = 0

    def backward(self, window):
        """Loss and gradient norm; the gradients stay in the parameters, unclipped."""
        self.adam.zero_grad(set_to_none=True)
        with torch.autocast(window.device.type, dtype=self.autocast or torch.bfloat16, enabled=self.autocast is not None):
            loss = self.model.loss(window)
        loss.backward()
        norms = torch.stack([torch.linalg.vector_norm(p.grad, dtype=torch.float64) for p in self.parameters])
        return float(loss.detach()), float(torch.linalg.vector_norm(norms))

    def update(self, norm):
        if 0 < self.limit < norm:
            for p in self.parameters:
                p.grad.mul_(self.limit / norm)
        for group in self.adam.param_groups:
            group["lr"] = self.rates[self.steps]
        self.adam.step()
        self.steps += 1


def read_json(path):
    try:
        return json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError as e:
        raise InputError(f"{path} does not exist") from e
    except ValueError as e:
        raise InputError(f"{path} is not JSON: {e}") from e


def read_options(path, needed):
    options = read_json(path)
    lacking = [n for n in needed if n not in options]
    if lacking:
        raise InputError(f"{path}: {', '.join(lacking)} is missing")
    if len(options["learningRate"]) < options["steps"]:
        raise InputError(f"{path}: {len(options['learningRate'])} learning rates for {options['steps']} steps")
    return options


def read_safetensors(path):
    """Name to tensor, on the CPU: eight bytes of header length, the header in JSON, the data."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    size = path.stat().st_size
    with open(path, "rb") as f:
        length = int.from_bytes(f.read(8), "little")
        if size < 8 or length > size - 8:
            raise InputError(f"{path} is no safetensors file: its header would be {length} bytes of {size}")
        try:
            header = json.loads(f.read(length))
        except ValueError as e:
            raise InputError(f"{path} is no safetensors file: its header is not JSON") from e
    result = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if kind not in DTYPES:
            raise InputError(f"{path}: {name} is of type {kind}; {', '.join(DTYPES)} can be read")
        count, width = math.prod(shape), np.dtype(DTYPES[kind]).itemsize
        if end - begin != count * width or 8 + length + end > size:
            raise InputError(f"{path}: {name} {shape} of {kind} does not fit its bytes {begin} to {end}")
        data = np.fromfile(path, DTYPES[kind], count, offset=8 + length + begin).reshape(shape)
        if kind == "BF16":
            data = (data.astype("<u4") << 16).view("<f4")
        elif kind == "U16":
            data = data.astype("<i4")
        result[name] = torch.from_numpy(data)
    return result


def tensor(tensors, name, shape, source):
    """@raises InputError if it is missing or of another shape"""
    if name not in tensors:
        raise InputError(f"{source}: {name} is missing")
    if list(tensors[name].shape) != list(shape):
        raise InputError(f"{source}: {name} is {list(tensors[name].shape)}, expected {list(shape)}")
    return tensors[name]


def exact_math():
    """No TF32 anywhere."""
    torch.set_float32_matmul_precision("highest")


def device_name(device):
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"
