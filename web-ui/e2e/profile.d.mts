export function gpuRun(now: number): object;
export function profileOf(run: object): object | undefined;
