export function outlookOf(run: object, query: URLSearchParams, points: { step: number; value: number }[]): object;
