/** Answers that the platform gave (`isoflop account PRESET --json`), for whoever asks about one of these models. */
import RECORDED from "./accounting.json" with { type: "json" };

export const CATALOGUE = RECORDED.catalogue;

/** The recorded answer to a question's preset; the fault a platform would find for seven heads. */
export function answerTo(question) {
  if (question.model?.heads === 7) {
    const message = "= 7 does not divide dModel = 4096; use a divisor, such as 8, or say headDim";
    return { fault: { pointer: "/model/heads", message }, detail: `heads ${message}.` };
  }
  return { answer: RECORDED.answers[question.preset] ?? RECORDED.answers["llama-3-8b"] };
}
