export function methodsOf(fits: object[], fit: object, target: number | undefined): object;
export function exponentsOf(fit: object): object;
