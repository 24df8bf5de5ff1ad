export function listOf(predictions: object[], query: URLSearchParams): object[];
export function summaryOf(predictions: object[], query: URLSearchParams): object;
