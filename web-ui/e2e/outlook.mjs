/** Where a made-up run will end: its last losses and what a cosine still takes off them. Every other run is to stop. */
export function outlookOf(run, query, points) {
  const level = Number(query.get("level") ?? 0.9);
  const over = ["succeeded", "failed", "cancelled"].includes(run.state);
  const share = run.step / run.steps;
  const recent = (points ?? []).slice(-50);
  const left = over ? 0 : 1 - share;
  const body = {
    runId: run.id,
    state: run.state,
    progress: share,
    level,
    saved: {
      flops: run.flops * left,
      ...(run.state === "running" ? { seconds: (left * run.tokens) / run.tokensPerSecond } : {}),
    },
  };
  if (recent.length < 6) {
    return {
      ...body,
      verdict: "unknown",
      sentence: "Not known yet: nothing is told from a warm-up.",
      refusal: { code: "warming-up", message: "Nothing is told from a warm-up." },
    };
  }
  const now = recent.reduce((sum, point) => sum + point.value, 0) / recent.length;
  const end = now * (1 - 0.08 * left);
  const loss = { loss: end, low: end * (1 - 0.05 * left), high: end * (1 + 0.05 * left) };
  const stop = run.id % 2 === 0;
  const forecast = stop ? end * 0.86 : end * 1.01;
  const law = {
    fitId: 1,
    sweepId: 1,
    loss: forecast,
    low: forecast * 0.97,
    high: forecast * 1.03,
    extrapolationRatio: 1,
  };
  const text = (l) => `${l.loss.toFixed(3)} (${l.low.toFixed(3)} to ${l.high.toFixed(3)})`;
  return {
    ...body,
    verdict: stop ? "stop" : "go-on",
    sentence: stop
      ? `Stop: by its curve it is to end at ${text(loss)}, above all of ${text(law)} that the fit forecasts for its N and D. Look at its recipe (learning rate, batch, data) before training it again.`
      : `Go on: it is to end at ${text(loss)}, as the fit allows, which forecasts ${text(law)} for its N and D.`,
    now,
    end: loss,
    curve: loss,
    law,
  };
}
