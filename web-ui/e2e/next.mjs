/** What the fake platform proposes: one run after the other, each telling less. */
export function nextOf(fitId, question) {
  const of = question.of ?? "OPTIMUM";
  const optimum = of === "OPTIMUM";
  const runs = Array.from({ length: question.runs ?? 1 }, (_, i) => {
    const n = 60_000 * 3 ** i;
    const d = 8e6 * 1.4 ** i;
    const flops = 6 * n * d;
    const saves = 6e13 / 4 ** i;
    return {
      n,
      d,
      flops,
      sdBefore: 0.2 / (i + 1),
      sdAfter: 0.2 / (i + 2),
      ...(optimum ? { saves, pays: saves > flops } : {}),
    };
  });
  const pay = runs.filter((run) => run.pays).length;
  return {
    fitId,
    target: of,
    value: 14,
    sd: 0.2,
    noise: 0.002,
    runs,
    ...(optimum ? { pays: pay > 0 } : {}),
    // what the fit knows less of than is reckoned is said at large waves, so that both can be looked at
    ...(optimum && runs.length > 3
      ? { caution: "The fit itself knows N* only to a factor of 2.35, this reckoning takes it for known to 1.52." }
      : {}),
    sentence: optimum
      ? `Going on pays for the first ${pay} of these; the next would cost more FLOPs than it saves at the target.`
      : "The standard deviation falls by 75 %; what that is worth in FLOPs can be said of the optimum alone.",
  };
}
