/** A tick at 1, 2 and 5 of each power of ten while there are few powers, at powers alone otherwise. */
export function logTicks(values: readonly number[]): number[] {
  const finite = values.filter((value) => value > 0 && Number.isFinite(value));
  if (finite.length === 0) return [];
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const decades = Math.log10(high / low);
  const steps = decades > 3.2 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 3, 5, 7];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (tick >= low * 0.98 && tick <= high * 1.02) ticks.push(tick);
    }
  }
  return ticks;
}

/**
 * Round budgets that stand for many: the fewest that reach around all values, a half decade apart (1, 3, 10, …) while no more
 * than `most` are needed, else one or more decades.
 */
export function roundBudgets(values: readonly number[], most = 6): number[] {
  const finite = values.filter((value) => value > 0 && Number.isFinite(value));
  if (finite.length === 0) return [];
  const low = Math.min(...finite) * 1.001;
  const high = Math.max(...finite) / 1.001;
  for (let every = 0; ; every++) {
    const step = Math.max(1, every);
    const from = Math.floor(Math.log10(low) / step) * step;
    const all: number[] = [];
    for (let power = from; power <= Math.log10(high) + step; power += step) {
      all.push(Number(`1e${power}`));
      if (every === 0) all.push(Number(`3e${power}`));
    }
    const first = all.findLastIndex((budget) => budget <= low);
    const found = all.slice(first, all.findIndex((budget) => budget >= high) + 1);
    if (found.length <= most) return found;
  }
}
