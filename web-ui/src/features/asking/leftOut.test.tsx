import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it } from "vitest";
import type { LeftOutCell } from "../../api/types";
import { byReason, LeftOut, reasonWords } from "./LeftOut";

const cells = (count: number, reason: string): LeftOutCell[] =>
  Array.from({ length: count }, (_, i) => ({
    budget: 1e12,
    model: `d${i}`,
    dModel: i,
    n: 1,
    d: 1,
    reason,
    sentence: `${reason} of d${i}`,
  }));

describe("cells left out", () => {
  afterEach(cleanup);

  it("areNamedOneByOneWhileTheyAreFew", () => {
    render(<LeftOut cells={cells(6, "TOO_FEW_STEPS")} />);
    expect(screen.getAllByRole("listitem")).toHaveLength(6);
  });
  it("areFoldedByTheirReasonWhereTheyAreMany", async () => {
    render(<LeftOut cells={[...cells(3, "TOO_FEW_STEPS"), ...cells(40, "TOO_MANY_EPOCHS")]} />);
    expect(screen.queryAllByRole("listitem")).toHaveLength(0);
    await userEvent.click(screen.getByText("40 with too many passes over the corpus"));
    expect(await screen.findAllByText(/^TOO_MANY_EPOCHS of/)).toHaveLength(40);
    expect(screen.queryByText(/^TOO_FEW_STEPS of/)).toBeNull();
  });
  it("areGroupedTheCommonestFirst", () => {
    const groups = byReason([...cells(1, "TOO_FEW_STEPS"), ...cells(2, "TOO_MANY_EPOCHS")]);
    expect(groups.map((group) => [group.reason, group.cells.length])).toEqual([
      ["TOO_MANY_EPOCHS", 2],
      ["TOO_FEW_STEPS", 1],
    ]);
  });
  it("haveAReasonInWordsEvenIfItIsNew", () => {
    expect(reasonWords("DOES_NOT_FIT_MEMORY")).toBe("too little memory");
    expect(reasonWords("TOO_LATE")).toBe("too late");
  });
});
