"""Training throughput of PyTorch on the models Isoflop trains: eager, torch.compile, torch.compile in one CUDA graph a step.

    python3 benchmarks/gpu/torch_train.py [--models 0.85M,85M] [--modes eager,compile,overhead,graphs,autotune] [--seconds 3] [--out FILE]

bf16 autocast, fused AdamW (0.9, 0.95, 1e-8, decay 0.1), clipping by global norm at 1. PyTorch gets its best: products over joined
projections, fused norms in eager mode, cross-entropy fused by the compiler, a residual stream in bf16 (--residual fp32 for
autocast's own), and whichever of the cuDNN and flash attention backends is quicker at the shape. `overhead` is torch.compile with CUDA graphs
as its mode reduce-overhead has them; `graphs` is one graph of the whole step, captured by hand: forward, backward, clipping and optimizer,
which is more than PyTorch does by itself. `autotune` is `graphs` with products searched by max-autotune, which compiles for minutes.

Every timing runs in a process of its own with empty compiler caches, so that one failure costs only itself and compile time is what a
first run pays. Tokens/s are the median of five windows that fill --seconds, by CUDA events.

--runs K says what K runs one after the other would take. Their tokens/s are those of one run, for each has the device to
itself; a process that keeps the compiled step pays for it once for all runs of one shape, and else once a run.
"""

import argparse
import concurrent.futures
import contextlib
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

PEAK = 989e12  # dense bf16 FLOP/s of an H100 SXM, as its data sheet says
WINDOWS = 5
POOL = 8  # batches
MODELS = {  # d, layers, heads, vocabulary, batch, context
    "0.85M": (128, 4, 4, 4096, 32, 256),
    "7.6M": (320, 6, 5, 16384, 32, 512),
    "25.7M": (512, 8, 8, 16384, 32, 512),
    "85M": (768, 12, 12, 50304, 32, 1024),
    "308M": (1024, 24, 16, 50304, 16, 1024),
    "tiny": (32, 2, 2, 256, 4, 32),  # to try the script
}
MODES = ("eager", "compile", "overhead", "graphs", "autotune")
COLUMNS = f"{'model':>6} {'mode':<9} {'tokens/s':>12} {'ms/step':>9} {'MFU':>6} {'compile s':>9} {'peak GiB':>8}  attention"


def shape_of(name, multiple):
    from torch_llama import Shape
    d, layers, heads, vocab, _, _ = MODELS[name]
    return Shape.llama(vocab, d, layers, heads, multiple)


def backend(name):
    """Allows one attention backend alone; "default" leaves PyTorch its choice."""
    import contextlib
    if name == "default":
        return contextlib.nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel
    return sdpa_kernel({"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}[name])


def attention_ms(name, shape, batch, context):
    """Forward and backward, in a graph so that small shapes are not measured by their launches."""
    import torch
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream), backend(name):
        whole = torch.randn(batch, context, shape.heads + 2 * shape.kv_heads, shape.head, device="cuda", dtype=torch.bfloat16)
        q, k, v = (part.transpose(1, 2).detach().requires_grad_() for part in whole.split((shape.heads, shape.kv_heads, shape.kv_heads), 2))
        dout = torch.randn(batch, context, shape.heads, shape.head, device="cuda", dtype=torch.bfloat16).transpose(1, 2)

        def once():
            out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            torch.autograd.grad(out, (q, k, v), dout)
        for _ in range(3):
            once()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for _ in range(10):
                once()
        graph.replay()
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(3):
            graph.replay()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end) / 30


def backends(wanted, shape, batch, context):
    """Those to try, the quickest first."""
    if wanted != "best":
        return [wanted]
    times = {}
    for name in ("cudnn", "flash"):
        try:
            times[name] = attention_ms(name, shape, batch, context)
        except Exception as e:  # a backend may refuse a shape in any way it likes
            print(f"attention by {name} failed: {first_line(e)}", file=sys.stderr)
    return sorted(times, key=times.get) + ["default"]


def first_line(e):
    return f"{type(e).__name__}: {str(e).strip() or 'no message'}".splitlines()[0][:300]


class Step:
    """A whole training step over `window`, the static input; `run` is what a loop calls."""

    def __init__(self, a, shape, batch, context):
        import torch
        from torch_llama import Llama, groups
        residual = torch.bfloat16 if a.residual == "bf16" else None
        self.device, self.graphs = a.device, a.mode in ("graphs", "autotune")
        model = Llama(shape, context, fused=True, residual=residual).initialise().to(a.device, torch.float32)
        self.parameters = list(model.parameters())
        cuda = a.device == "cuda"
        # in a graph the rate is read from the device, so that a schedule can change it between replays
        rate = torch.tensor(3e-4, device=a.device) if self.graphs else 3e-4
        more = {"fused": True, "capturable": self.graphs} if cuda else {}
        self.adam = torch.optim.AdamW(groups(model, 0.1), lr=rate, betas=(0.9, 0.95), eps=1e-8, **more)
        self.pool = torch.randint(shape.vocab, (POOL, batch, context + 1), device=a.device)
        self.window = self.pool[0].clone()
        self.at = 0

        kind = a.device

        def loss(window):
            # no cache of casts: each weight is cast once a step anyway, and a cache must not outlive a capture
            with torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=False):
                return model.loss(window)
        if a.mode != "eager":
            mode = {"autotune": {"mode": "max-autotune-no-cudagraphs"}, "overhead": {"mode": "reduce-overhead"}}.get(a.mode, {})
            loss = torch.compile(loss, fullgraph=True, dynamic=False, **mode)
        self.loss = loss
        self.graph = self.result = None

    def once(self):
        import torch
        torch.compiler.cudagraph_mark_step_begin()
        loss = self.loss(self.window)
        loss.backward()
        more = {"foreach": True} if self.device == "cuda" else {}
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, **more)
        self.adam.step()
        return loss.detach().clone()  # reduce-overhead's graphs write their outputs again

    def prepare(self):
        """Compiles and captures."""
        import torch
        if not self.graphs:
            for _ in range(3):
                self.run()
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.once()
                self.adam.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        # gradients are absent here, so the capture gives them memory of the graph's own and a replay overwrites instead of adding
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=stream):
            self.result = self.once()

    def run(self):
        self.window.copy_(self.pool[self.at])
        self.at = (self.at + 1) % POOL
        if self.graph is not None:
            self.graph.replay()
        else:
            self.result = self.once()
            self.adam.zero_grad(set_to_none=True)


def timed(step, count, device):
    """Seconds for `count` steps."""
    import torch
    if device != "cuda":
        start = time.perf_counter()
        for _ in range(count):
            step.run()
        return time.perf_counter() - start
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(count):
        step.run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def synchronize(device):
    import torch
    if device == "cuda":
        torch.cuda.synchronize()


def measure(a, shape, batch, context):
    import torch
    cuda = a.device == "cuda"
    if cuda:  # what any process pays once: the context and cuBLAS
        warm = torch.randn(64, 64, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        (warm @ warm).sum().backward()
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    step = Step(a, shape, batch, context)
    made = sum(p.numel() for p in step.parameters)
    if made != shape.parameters():
        raise RuntimeError(f"the model has {made} parameters, the formula says {shape.parameters()}")
    begin = time.perf_counter()
    step.prepare()
    synchronize(a.device)
    ready = time.perf_counter() - begin
    guess = timed(step, 3, a.device) / 3
    timed(step, max(2, int(a.seconds / WINDOWS / guess)), a.device)  # warm clocks and allocator
    guess = timed(step, 3, a.device) / 3
    count = max(2, round(a.seconds / WINDOWS / guess))
    each = [timed(step, count, a.device) / count for _ in range(WINDOWS)]
    seconds = statistics.median(each)
    loss = float(step.result)
    if not loss < 2e1:  # NaN fails
        raise RuntimeError(f"the loss is {loss} after training, so the timing means nothing")
    rate = batch * context / seconds
    return {"tokensPerSecond": rate, "msPerStep": seconds * 1e3, "mfu": rate * shape.flops_per_token(context) / PEAK,
            "compileSeconds": 0.0 if a.mode == "eager" else max(0.0, ready - 3 * guess), "peakBytes": torch.cuda.max_memory_allocated() if cuda else 0,
            "windowMs": [s * 1e3 for s in each], "loss": loss}


def child(a):
    """One model in one mode; prints a line of JSON last."""
    import torch
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")  # TF32 where anything is left in fp32
    shape = shape_of(a.model, a.ff_multiple)
    batch, context = MODELS[a.model][4:]
    row = {"model": a.model, "mode": a.mode}
    errors = []
    for name in backends(a.attention, shape, batch, context) if a.device == "cuda" else ["default"]:
        try:
            with backend(name):
                row.update(measure(a, shape, batch, context))
            row["attention"] = name
            break
        except Exception as e:  # the next backend may do; what failed is reported
            errors.append(f"attention {name}: {first_line(e)}")
            print(errors[-1], file=sys.stderr)
        gc.collect()
        if a.device == "cuda":
            torch.cuda.empty_cache()
        if a.mode != "eager" and hasattr(torch, "compile"):
            torch.compiler.reset()
    if errors:
        row["error" if "attention" not in row else "fallback"] = "; ".join(errors)
    row.update({"parameters": shape.parameters(), "nonEmbeddingParameters": shape.non_embedding(), "batch": batch, "context": context,
                "dFf": shape.ff, "residual": a.residual})
    about = torch.cuda.get_device_name() if a.device == "cuda" else "cpu"
    print(json.dumps({"device": about, "torch": torch.__version__, "row": row}), flush=True)


def launch(a, model, mode):
    """Runs a child with caches of its own, or those kept; what it said, or an error in its place."""
    with tempfile.TemporaryDirectory() if not a.caches else contextlib.nullcontext(os.path.join(a.caches, model)) as cache:
        environment = dict(os.environ, TORCHINDUCTOR_CACHE_DIR=cache, TRITON_CACHE_DIR=os.path.join(cache, "triton"))
        command = [sys.executable, os.path.abspath(__file__), "--model", model, "--mode", mode, "--seconds", str(a.seconds), "--device", a.device,
                   "--attention", a.attention, "--residual", a.residual, "--ff-multiple", str(a.ff_multiple)]
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=a.timeout)
            out, errors, end = done.stdout, done.stderr, f"exit code {done.returncode}"
        except subprocess.TimeoutExpired as e:  # the result counts if only the exit hung
            out, errors, end = e.stdout or b"", e.stderr or b"", f"not done after {a.timeout:g} s"
    try:
        return json.loads(out.decode(errors="replace").strip().splitlines()[-1])
    except (IndexError, ValueError):
        tail = (errors.decode(errors="replace").strip().splitlines() or ["no output"])[-1][:300]
        return {"row": {"model": model, "mode": mode, "error": f"{end}: {tail}"}}


def choice(text, allowed, what):
    names = [n for n in text.split(",") if n]
    for n in names:
        if n not in allowed:
            raise SystemExit(f"there is no {what} {n}; there are {', '.join(allowed)}")
    return names


def main():
    p = argparse.ArgumentParser(description="Training throughput of PyTorch on the models Isoflop trains.")
    p.add_argument("--models", default="0.85M,7.6M,25.7M,85M,308M")
    p.add_argument("--modes", default="eager,compile,overhead,graphs")
    p.add_argument("--seconds", type=float, default=3.0, help="of each timing, over its five windows")
    p.add_argument("--out", help="JSON")
    p.add_argument("--runs", type=int, default=1, help="say what so many runs one after the other take")
    p.add_argument("--attention", choices=("best", "cudnn", "flash", "default"), default="best")
    p.add_argument("--residual", choices=("bf16", "fp32"), default="bf16")
    p.add_argument("--ff-multiple", type=int, default=128, help="128 as GpuTrainBench, the sizes of the names")
    p.add_argument("--caches", help="keep compiled code here, a directory a model: compile seconds are then not those of a first run")
    p.add_argument("--prepare", action="store_true", help="only fill --caches, all models at once, so that the figures come sooner")
    p.add_argument("--timeout", type=float, default=420.0, help="seconds for a model in a mode, compilation included")
    p.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu tries the script, and knows only eager mode")
    p.add_argument("--model", choices=MODELS, help=argparse.SUPPRESS)
    p.add_argument("--mode", choices=MODES, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.model:
        return child(a)
    models, modes = choice(a.models, MODELS, "model"), choice(a.modes, MODES, "mode")
    if a.prepare:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for said in pool.map(lambda m: launch(a, *m), [(m, mode) for mode in ("graphs", "overhead") for m in models]):
                print(json.dumps(said["row"]), flush=True)
        return 0
    result = {"device": None, "torch": None, "train": [], "failed": []}
    for m in models:
        s = shape_of(m, a.ff_multiple)
        print(f"{m:>6}: d {s.d}, {s.layers} layers, {s.heads} heads, dFf {s.ff}, vocabulary {s.vocab}, batch {MODELS[m][4]} x {MODELS[m][5]}: "
              f"{s.non_embedding():,} parameters without the embedding, {s.parameters():,} with it")
    print(COLUMNS, flush=True)
    for m in models:
        for mode in modes:
            said = launch(a, m, mode)
            row = said["row"]
            result["device"], result["torch"] = said.get("device", result["device"]), said.get("torch", result["torch"])
            result["failed" if "error" in row else "train"].append(row)
            if "error" in row:
                print(f"{m:>6} {mode:<9} FAILED: {row['error']}", flush=True)
            else:
                print(f"{m:>6} {mode:<9} {row['tokensPerSecond']:>12,.0f} {row['msPerStep']:>9.3f} {row['mfu']:>6.1%} {row['compileSeconds']:>9.1f} "
                      f"{row['peakBytes'] / 2 ** 30:>8.1f}  {row['attention']}" + (f" after {row['fallback']}" if "fallback" in row else ""), flush=True)
            if a.out:
                with open(a.out, "w") as f:
                    json.dump(result, f, indent=1)
        rows = [r for r in result["train"] if r["model"] == m]
        if a.runs > 1 and rows:
            best = max(rows, key=lambda r: r["tokensPerSecond"])
            print(f"{m:>6} {a.runs} runs one after the other: {best['tokensPerSecond']:,.0f} tokens/s together ({best['mode']}), beside "
                  f"{best['compileSeconds']:.1f} s of compilation if all share a process, {a.runs * best['compileSeconds']:.1f} s if none do", flush=True)
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
