"""Checks the attention kernels against float64 and times them beside PyTorch's SDPA backends.

    python3 benchmarks/gpu/attention_check.py [--cubin FILE] [--label NAME] [--no-check] [--no-torch] [--quick] [--hd 64,128]

Without --cubin the kernels are compiled with nvcc for the device at hand. Every check draws fresh inputs, surrounds inputs and
outputs with NaN, poisons the outputs, compares by relative norm (bf16 1e-2, fp32 1e-5) and runs everything twice for bitwise
equality. TFLOP/s count the causal half: forward 4 * S * H * HD * T^2 / 2, backward 2.5 times that. Writes
$OUT/attention_<label>.json and prints a table.
"""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lm/src/main/resources/dev/isoflop/lm/cuda/attention.cu")
GUARD = 4096  # elements of NaN before and after each buffer
SHARED = 227 << 10  # bytes of shared memory a block may have
cuda = ctypes.CDLL("libcuda.so.1")


def ok(code, what):
    if code:
        text = ctypes.c_char_p()
        cuda.cuGetErrorString(code, ctypes.byref(text))
        raise RuntimeError(f"{what}: {code} {text.value}")


class Kernels:
    def __init__(self, cubin):
        with open(cubin, "rb") as f:
            self.image = f.read()
        self.module = ctypes.c_void_p()
        ok(cuda.cuModuleLoadData(ctypes.byref(self.module), self.image), "cuModuleLoadData")
        pointer, size = ctypes.c_uint64(), ctypes.c_size_t()
        ok(cuda.cuModuleGetGlobal_v2(ctypes.byref(pointer), ctypes.byref(size), self.module, b"attn_launch"), "attn_launch")
        table = (ctypes.c_int * (size.value // 4))()
        ok(cuda.cuMemcpyDtoH_v2(table, pointer, size), "cuMemcpyDtoH")
        self.records = {}
        for i in range(0, len(table), 10):
            if table[i]:
                fwd, dq, dkv = (tuple(table[i + 1 + 3 * j:i + 4 + 3 * j]) for j in range(3))
                self.records[table[i]] = {"fwd": fwd, "bwd_dq": dq, "bwd_dkv": dkv}
        self.functions = {}
        ok(cuda.cuModuleGetGlobal_v2(ctypes.byref(pointer), ctypes.byref(size), self.module, b"attn_whole"), "attn_whole")
        table = (ctypes.c_int * (size.value // 4))()
        ok(cuda.cuMemcpyDtoH_v2(table, pointer, size), "cuMemcpyDtoH")
        self.whole = {table[i]: tuple(table[i + 1:i + 4]) for i in range(0, len(table), 4) if table[i]}

    def fits(self, hd, T):
        """Whether a head's backward pass can be had in one block."""
        return hd in self.whole and self.whole[hd][1] + -(-T // 64) * self.whole[hd][2] <= SHARED

    def backward_launcher(self, hd, tensors, S, T, H, table=None):
        """attn_bwd_bf16 on qkv, out, dout, lse and dqkv."""
        threads, fixed, each = self.whole[hd]
        name, smem = f"attn_bwd_bf16_hd{hd}", fixed + -(-T // 64) * each
        f = self.function(name, SHARED)
        values = [ctypes.c_void_p(t.data_ptr()) for t in tensors] + [ctypes.c_void_p(0 if table is None else table.data_ptr())]
        values += [ctypes.c_int(i) for i in (S, T, H)]
        packed = (ctypes.c_void_p * len(values))(*[ctypes.cast(ctypes.pointer(v), ctypes.c_void_p) for v in values])
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)

        def launch(keep=(values, tensors, table)):
            ok(cuda.cuLaunchKernel(f, 1, H, S, threads, 1, 1, smem, stream, packed, None), name)
        return launch

    def function(self, name, smem):
        if name not in self.functions:
            f = ctypes.c_void_p()
            ok(cuda.cuModuleGetFunction(ctypes.byref(f), self.module, name.encode()), name)
            ok(cuda.cuFuncSetAttribute(f, 8, smem), f"{name}: {smem} bytes of shared memory")
            self.functions[name] = f
        return self.functions[name]

    def has(self, name):
        f = ctypes.c_void_p()
        return cuda.cuModuleGetFunction(ctypes.byref(f), self.module, name.encode()) == 0

    def launcher(self, kernel, dtype, hd, tensors, S, T, H, Hkv, window, table=None):
        """A callable that launches attn_<kernel>_<dtype> on the given tensors; the packed arguments are kept alive in it."""
        if dtype == torch.float32:
            name, threads, rows = f"attn_{kernel}_f32", 256, 32
            tile = 32 * (hd + 4)
            smem = 4 * {"fwd": 3 * tile + 32 * 33, "bwd_dq": 4 * tile + 32 * 33 + 32, "bwd_dkv": 4 * tile + 2 * 32 * 33 + 64}[kernel]
            sizes = [S, T, H, Hkv, hd, window]
            f = self.function(name, 4 * (4 * 32 * 132 + 2 * 32 * 33 + 64))
        else:
            name = f"attn_{kernel}_bf16_hd{hd}"
            threads, rows, smem = self.records[hd][kernel]
            sizes = [S, T, H, Hkv, window]
            f = self.function(name, smem)
        values = [ctypes.c_void_p(t.data_ptr()) for t in tensors]
        if dtype != torch.float32 and kernel != "fwd":
            values.append(ctypes.c_void_p(0 if table is None else table.data_ptr()))
        values += [ctypes.c_int(i) for i in sizes]
        packed = (ctypes.c_void_p * len(values))(*[ctypes.cast(ctypes.pointer(v), ctypes.c_void_p) for v in values])
        grid = ((T + rows - 1) // rows, Hkv if kernel == "bwd_dkv" else H, S)
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)

        def launch(keep=(values, tensors, table)):
            ok(cuda.cuLaunchKernel(f, *grid, threads, 1, 1, smem, stream, packed, None), name)
        return launch


def guarded(shape, dtype, fill=None):
    """A tensor amid NaN; filled with NaN too, or with `fill`."""
    count = 1
    for n in shape:
        count *= n
    whole = torch.full((count + 2 * GUARD,), float("nan"), dtype=dtype, device="cuda")
    view = whole[GUARD:GUARD + count].view(shape)
    if fill is not None:
        view.copy_(fill)
    return whole, view


def bits(t):
    return t.contiguous().view(torch.int16 if t.element_size() == 2 else torch.int32)


def reference(qkv, dout, S, T, H, Hkv, hd, window):
    x = qkv.double().view(S, T, H + 2 * Hkv, hd).transpose(1, 2)  # [S, H + 2 Hkv, T, hd]
    x = x.clone().requires_grad_()
    q, k, v = x[:, :H], x[:, H:H + Hkv], x[:, H + Hkv:]
    k, v = (t.repeat_interleave(H // Hkv, 1) for t in (k, v))
    i = torch.arange(T, device="cuda")
    seen = i[None, :] <= i[:, None]
    if window > 0:
        seen &= i[None, :] > i[:, None] - window
    scores = (q @ k.transpose(-1, -2) * hd ** -0.5).masked_fill(~seen, float("-inf"))  # [S, H, T, T]
    lse = scores.logsumexp(-1)
    out = scores.softmax(-1) @ v  # [S, H, T, hd]
    g = dout.double().view(S, T, H, hd).transpose(1, 2)
    grad, = torch.autograd.grad(out, x, g)
    delta = (g * out).sum(-1)
    out, delta = out.detach(), delta.detach()
    return {"out": out.transpose(1, 2), "lse": lse.detach(), "delta": delta, "dq": grad[:, :H].transpose(1, 2),
            "dk": grad[:, H:H + Hkv].transpose(1, 2), "dv": grad[:, H + Hkv:].transpose(1, 2)}


def angles(T, hd):
    """[T][2][hd/2]: cosines, then sines."""
    angle = torch.arange(T, device="cuda", dtype=torch.float64)[:, None] * 10000 ** (-torch.arange(0, hd, 2, device="cuda", dtype=torch.float64) / hd)
    return torch.stack((angle.cos(), angle.sin()), 1).float().contiguous()


def turned_back(x, table):
    """x[..., T, H, hd] with the pair (c, c + hd/2) of each row turned by minus its angle."""
    c, s = (table[:, i].double()[:, None] for i in (0, 1))
    a, b = x.chunk(2, -1)
    return torch.cat((a * c + b * s, b * c - a * s), -1)


def run(kernels, dtype, hd, qkv, dout, S, T, H, Hkv, window, table=None, whole=False):
    R = S * T
    wholes = []

    def poisoned(shape, kind):
        whole, view = guarded(shape, kind)
        wholes.append((whole, view.numel()))
        return view
    out = poisoned((R, H * hd), dtype)
    lse, delta = poisoned((S, H, T), torch.float32), poisoned((S, H, T), torch.float32)
    dqkv = poisoned((R, (H + 2 * Hkv) * hd), dtype)
    args = (S, T, H, Hkv, window)
    kernels.launcher("fwd", dtype, hd, [qkv, out, lse], *args)()
    kernels.launcher("bwd_dq", dtype, hd, [qkv, out, dout, lse, delta, dqkv], *args, table)()
    if not dqkv[:, H * hd:].isnan().all():
        raise RuntimeError("dq wrote k or v columns")
    kernels.launcher("bwd_dkv", dtype, hd, [qkv, dout, lse, delta, dqkv], *args, table)()
    if whole:
        dqkv = poisoned((R, (H + 2 * Hkv) * hd), dtype)
        kernels.backward_launcher(hd, [qkv, out, dout, lse, dqkv], S, T, H, table)()
    torch.cuda.synchronize()
    for whole, count in wholes:
        if not (whole[:GUARD].isnan().all() and whole[GUARD + count:].isnan().all()):
            raise RuntimeError("written outside a buffer")
    return out, lse, delta, dqkv


def check(kernels, dtype, hd, T, H, Hkv, window, turn=False, whole=False, S=2):
    R, W = S * T, (H + 2 * Hkv) * hd
    _, qkv = guarded((R, W), dtype, torch.randn(R, W, device="cuda"))
    _, dout = guarded((R, H * hd), dtype, torch.randn(R, H * hd, device="cuda"))
    table = angles(T, hd) if turn else None
    out, lse, delta, dqkv = run(kernels, dtype, hd, qkv, dout, S, T, H, Hkv, window, table, whole)
    again = run(kernels, dtype, hd, qkv, dout, S, T, H, Hkv, window, table, whole)
    same = all(torch.equal(bits(a), bits(b)) for a, b in zip((out, lse, delta, dqkv), again))
    ref = reference(qkv, dout, S, T, H, Hkv, hd, window)
    if turn:
        ref["dq"], ref["dk"] = turned_back(ref["dq"], table), turned_back(ref["dk"], table)
    parts = dqkv.view(S, T, H + 2 * Hkv, hd)
    got = {"out": out.view(S, T, H, hd), "lse": lse, "delta": delta, "dq": parts[:, :, :H], "dk": parts[:, :, H:H + Hkv], "dv": parts[:, :, H + Hkv:]}
    errors = {}
    for name, value in got.items():
        size = ref[name].norm()
        if name in ("dq", "dk"):  # exactly 0 at T = 1, where a relative error says nothing
            size = torch.maximum(size, 0.05 * ref["dv"].norm())
        errors[name] = float((value.double() - ref[name]).norm() / size)
    limit = 1e-5 if dtype == torch.float32 else 1e-2
    good = same and all(e < limit for e in errors.values())  # NaN fails
    return {"type": "f32" if dtype == torch.float32 else "bf16", "hd": hd, "T": T, "H": H, "Hkv": Hkv, "window": window, "turn": turn, "whole": whole, "errors": errors,
            "deterministic": same, "ok": good}


def median_ms(f, repeat=20, warmup=4):
    for _ in range(warmup):
        f()
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeat)]
    for start, end in events:
        start.record()
        f()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(a.elapsed_time(b) for a, b in events)


def time_ours(kernels, hd, S, T, H):
    R = S * T
    qkv = torch.randn(R, 3 * H * hd, device="cuda").bfloat16()
    dout = torch.randn(R, H * hd, device="cuda").bfloat16()
    out, dqkv = torch.empty_like(dout), torch.empty_like(qkv)
    lse, delta = torch.empty(S, H, T, device="cuda"), torch.empty(S, H, T, device="cuda")
    args = (S, T, H, H, 0)
    forward = kernels.launcher("fwd", torch.bfloat16, hd, [qkv, out, lse], *args)
    dq = kernels.launcher("bwd_dq", torch.bfloat16, hd, [qkv, out, dout, lse, delta, dqkv], *args)
    dkv = kernels.launcher("bwd_dkv", torch.bfloat16, hd, [qkv, dout, lse, delta, dqkv], *args)

    def backward():
        dq()
        dkv()
    times = {"forwardMs": median_ms(forward), "dqMs": median_ms(dq), "dkvMs": median_ms(dkv), "backwardMs": median_ms(backward)}
    if kernels.fits(hd, T):
        times["twoKernelsMs"] = times["backwardMs"]
        times["backwardMs"] = median_ms(kernels.backward_launcher(hd, [qkv, out, dout, lse, dqkv], S, T, H))
    return times


def time_torch(backend, hd, S, T, H):
    """The better of contiguous [S, H, T, hd] inputs and views of [S, T, H, hd]."""
    best = {}
    for strided in (False, True):
        shape = (S, T, H, hd) if strided else (S, H, T, hd)
        q, k, v = (torch.randn(shape, device="cuda").bfloat16().requires_grad_() for _ in range(3))
        a, b, c = (t.transpose(1, 2) if strided else t for t in (q, k, v))
        with sdpa_kernel(backend):
            def forward():
                with torch.no_grad():
                    return torch.nn.functional.scaled_dot_product_attention(a, b, c, is_causal=True)
            f = median_ms(forward)
            out = torch.nn.functional.scaled_dot_product_attention(a, b, c, is_causal=True)
            dout = torch.randn_like(out)
            g = median_ms(lambda: torch.autograd.grad(out, (q, k, v), dout, retain_graph=True))
        best = {"forwardMs": min(f, best.get("forwardMs", f)), "backwardMs": min(g, best.get("backwardMs", g))}
    return best


def build():
    major, minor = torch.cuda.get_device_capability()
    arch = f"{major}{minor}a" if (major, minor) == (9, 0) else f"{major}{minor}"
    path = os.path.join(tempfile.mkdtemp(), "attention.cubin")
    subprocess.run(["nvcc", "-cubin", "-O3", f"-gencode=arch=compute_{arch},code=sm_{arch}", "-o", path, SOURCE], check=True)
    return path


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cubin")
    p.add_argument("--label", default="attention")
    p.add_argument("--no-check", action="store_true")
    p.add_argument("--no-time", action="store_true")
    p.add_argument("--no-torch", action="store_true")
    p.add_argument("--quick", action="store_true", help="fewer checks")
    p.add_argument("--hd", default="64,128", help="head sizes to time")
    p.add_argument("--T", default="1024,2048,8192", help="sequence lengths to time")
    a = p.parse_args()
    torch.cuda.init()
    torch.zeros(1, device="cuda")
    torch.manual_seed(time.time_ns() % 2 ** 31)
    kernels = Kernels(a.cubin or build())
    result = {"label": a.label, "device": torch.cuda.get_device_name(), "torch": torch.__version__, "checks": [], "attention": []}
    failed = 0
    if not a.no_check:
        cases = []
        for hd in (64, 128, 32, 96, 16, 24):
            for T in (17, 129, 1000) if a.quick else (1, 17, 127, 128, 129, 1000):
                for H, Hkv in ((3, 3), (8, 2)):
                    for window in (0, 64):
                        cases.append((torch.bfloat16, hd, T, H, Hkv, window, window == 0 and hd % 16 == 0))
        for hd in sorted(kernels.whole):
            for T in (1, 17, 64, 65, 127, 128, 129, 200, 256, 300, 500, 512):
                cases += [(torch.bfloat16, hd, T, 3, 3, 0, turn, True) for turn in (False, True) if kernels.fits(hd, T)]
        for hd in (64, 12) if a.quick else (4, 12, 20, 64, 100, 128):
            for T in (1, 17, 127, 128, 129, 1000):
                for H, Hkv, window in ((3, 3, 0), (8, 2, 64)):
                    cases.append((torch.float32, hd, T, H, Hkv, window))
        for case in cases:
            if not kernels.has(f"attn_fwd_bf16_hd{case[1]}" if case[0] == torch.bfloat16 else "attn_fwd_f32"):
                continue
            c = check(kernels, *case)
            result["checks"].append(c)
            if not c["ok"]:
                failed += 1
                if failed <= 12:
                    print("FAILED", json.dumps(c), flush=True)
        for kind in ("bf16", "f32"):
            mine = [c for c in result["checks"] if c["type"] == kind]
            if mine:
                worst = {n: max(c["errors"][n] for c in mine) for n in mine[0]["errors"]}
                result.setdefault("worst", {})[kind] = worst
                print(f"{a.label}: {kind}: {sum(c['ok'] for c in mine)} of {len(mine)} checks pass, worst", {n: f"{e:.1e}" for n, e in worst.items()}, flush=True)
    if not a.no_time:
        for hd in [int(h) for h in a.hd.split(",")]:
            for T in [int(t) for t in a.T.split(",")]:
                tokens, H = 32768, 768 // hd
                S = tokens // T
                flops = 2 * S * H * hd * T * T
                row = {"hd": hd, "T": T, "S": S, "H": H, "isoflop": time_ours(kernels, hd, S, T, H)}
                if not a.no_torch:
                    for name, backend in (("flash", SDPBackend.FLASH_ATTENTION), ("cudnn", SDPBackend.CUDNN_ATTENTION), ("efficient", SDPBackend.EFFICIENT_ATTENTION)):
                        try:
                            row[name] = time_torch(backend, hd, S, T, H)
                        except RuntimeError as e:
                            print(name, "failed:", str(e)[:200])
                for name, r in row.items():
                    if isinstance(r, dict):
                        r["forwardTflops"] = flops / r["forwardMs"] / 1e9
                        r["backwardTflops"] = 2.5 * flops / r["backwardMs"] / 1e9
                peers = [row[n] for n in ("flash", "cudnn", "efficient") if n in row]
                for way in ("forward", "backward"):
                    if peers:
                        row[way + "RatioToBest"] = row["isoflop"][way + "Tflops"] / max(r[way + "Tflops"] for r in peers)
                result["attention"].append(row)
                print(a.label, f"hd {hd} T {T}:", "  ".join(f"{n} {r['forwardTflops']:.0f}/{r['backwardTflops']:.0f}" for n, r in row.items() if isinstance(r, dict)),
                      "(dq %.3f dkv %.3f ms, backward %.3f)" % tuple(row["isoflop"][n] for n in ("dqMs", "dkvMs", "backwardMs")),
                      "ratio %.2f/%.2f" % (row["forwardRatioToBest"], row["backwardRatioToBest"]) if peers else "", flush=True)
    target = os.environ.get("OUT", ".")
    with open(os.path.join(target, f"attention_{a.label}.json"), "w") as f:
        json.dump(result, f, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
