/**
 * Where the time of two kinds of runs goes: a 25.2M-parameter model on an H100, with FLOPs and bytes counted from its shape as
 * the engine counts them and times of the size such a step has, and any model on a CPU, of which only memory is known.
 */

const SHAPE = { d: 512, layers: 8, f: 1368, vocab: 16_384, batch: 32, context: 512 };
const N_NON = 25_207_296;
const N = N_NON + SHAPE.vocab * SHAPE.d;

/** Microseconds of one of them, how many there are, FLOPs and bytes of one. */
function operations() {
  const { d, layers, f, vocab, batch, context } = SHAPE;
  const m = batch * context;
  const width = 3 * d;
  const attention = 2 * m * d * (context + 1);
  const product = (out, inner, outputBytes = 2) => [
    2 * m * out * inner,
    2 * m * (out + inner) + outputBytes * out * inner,
  ];
  const head = [2 * m * vocab * d, 2 * (m * (vocab + d) + vocab * d)];
  const table = [
    ["attention", 56.2, layers, attention, 2 * m * (width + d)],
    ["attention backward", 142.4, layers, 2.5 * attention, 2 * m * (2 * width + 2 * d)],
    ["qkv", 50.7, layers, ...product(width, d)],
    ["qkv dx", 49.3, layers, ...product(width, d)],
    ["qkv dW", 55.5, layers, ...product(width, d, 4)],
    ["attention out", 20, layers, ...product(d, d)],
    ["attention out dx", 19.4, layers, ...product(d, d)],
    ["attention out dW", 25, layers, ...product(d, d, 4)],
    ["gate and up", 85.2, layers, ...product(2 * f, d)],
    ["gate and up dx", 82.8, layers, ...product(2 * f, d)],
    ["gate and up dW", 88.9, layers, ...product(2 * f, d, 4)],
    ["down", 44.2, layers, ...product(d, f)],
    ["down dx", 43.4, layers, ...product(d, f)],
    ["down dW", 47.9, layers, ...product(d, f, 4)],
    ["swiglu", 54.7, layers, 5 * m * f, 3 * m * f * 2],
    ["swiglu backward", 92.5, layers, 10 * m * f, 5 * m * f * 2],
    ["rope", 27.8, layers, 0, 2 * m * 2 * d * 2],
    ["rope backward", 28.1, layers, 0, 2 * m * 2 * d * 2],
    ["norm", 18.2, 1, 4 * m * d, 2 * m * d * 2],
    ["add and norm", 27.5, 2 * layers, 5 * m * d, 4 * m * d * 2],
    ["norm backward", 32.6, 2 * layers + 1, 8 * m * d, 4 * m * d * 2],
    ["norm dW", 12.1, 1, 0, 4 * (2 * layers + 1) * 264 * d],
    ["head", 453.8, 1, ...head],
    ["head dx", 463.9, 1, ...head],
    ["head dW", 481.1, 1, head[0], head[1] + 2 * vocab * d],
    ["cross-entropy", 426.9, 1, 0, 2 * m * vocab * 2],
    ["adamw", 393.8, 1, 12 * N, 30 * N],
    ["gradient norm", 61.3, 1, 2 * N, 4 * N],
    ["embedding", 15.5, 1, 0, 2 * m * d * 2],
    ["embedding dW", 67.6, 1, m * d, m * d * 2 + 4 * vocab * d],
    ["embedding index", 64.3, 1, 0, 24 * m],
    ["batch", 5.1, 1, 0, 10 * m],
    ["loss", 5.4, 1, 0, 4 * m],
    ["step begin", 5.3, 1, 0, 320],
    ["step end", 3.3, 1, 0, 16],
  ];
  return table
    .map(([name, micros, count, flops, bytes]) => ({
      name,
      count,
      micros: micros * count,
      flops: flops * count,
      bytes: bytes * count,
    }))
    .sort((a, b) => b.micros - a.micros);
}

/** A run on the GPU: 11.39 ms a step. */
export function gpuRun(now) {
  const tokensPerStep = SHAPE.batch * SHAPE.context;
  const steps = 30_000;
  const tokens = steps * tokensPerStep;
  const tokensPerSecond = tokensPerStep / 11.39e-3;
  const started = now - 1_800_000;
  return {
    id: 300,
    name: "h100-25M-s1",
    kind: "pretrain",
    state: "succeeded",
    attempt: 1,
    priority: 0,
    pool: "gpu",
    parameters: N,
    nonEmbeddingParameters: N_NON,
    tokens,
    flops: 6 * N * tokens,
    flopsExact: flopsPerToken() * tokens,
    budget: 6 * N * tokens,
    seed: 1,
    learningRate: 0.003,
    tokensPerStep,
    steps,
    step: steps,
    doneTokens: tokens,
    trainLoss: 3.312,
    tokensPerSecond,
    finalLoss: 3.298,
    bitsPerByte: 1.18,
    diverged: false,
    createdAt: new Date(started - 4_000).toISOString(),
    startedAt: new Date(started).toISOString(),
    finishedAt: new Date(started + (tokens / tokensPerSecond) * 1000).toISOString(),
    version: 4,
  };
}

function flopsPerToken() {
  const { d, layers, vocab, context } = SHAPE;
  return 6 * N_NON + 6 * vocab * d + 6 * layers * d * (context + 1);
}

/** What the platform answers for a run's profile; undefined while there is none. */
export function profileOf(run) {
  if (run.kind !== "pretrain" || run.step < 20) return undefined;
  const shared = { step: 20, tokensPerStep: run.tokensPerStep, lanes: 1, runs: 1 };
  const told = { attempt: run.attempt, at: run.startedAt };
  if (run.pool === "gpu") {
    return {
      ...told,
      profile: {
        ...shared,
        flopsPerToken: flopsPerToken(),
        device: "NVIDIA H100 80GB HBM3",
        precision: "BF16",
        datasheet: { flops: 989.4e12, bytesPerSecond: 3.35e12 },
        measured: { flops: 762e12, bytesPerSecond: 2.93e12 },
        memory: { parameters: 6 * N, gradients: 4 * N, optimizer: 8 * N, activations: 4_412_538_880 },
        operations: operations(),
      },
    };
  }
  return {
    ...told,
    profile: {
      ...shared,
      flopsPerToken: 6.66 * run.parameters,
      device: "AMD Ryzen 7 7840U, 1 thread",
      precision: "FP32",
      memory: {
        parameters: 4 * run.parameters,
        gradients: 4 * run.parameters,
        optimizer: 8 * run.parameters,
        activations: 90 * run.parameters,
      },
      operations: [],
    },
  };
}
