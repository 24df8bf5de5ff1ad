export const CATALOGUE: unknown;
export function answerTo(question: unknown): {
  answer?: unknown;
  fault?: { pointer: string; message: string };
  detail?: string;
};
