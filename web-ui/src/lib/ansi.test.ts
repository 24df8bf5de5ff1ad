import { describe, expect, it } from "vitest";
import { plain, stretches } from "./ansi";

describe("a program's colours", () => {
  it("become stretches with their colour and weight", () => {
    expect(stretches("a \u001b[1;31mred\u001b[0m b")).toEqual([
      { text: "a " },
      { text: "red", bold: true, colour: 1 },
      { text: " b" },
    ]);
  });
  it("are not searched", () => {
    expect(plain("\u001b[32mst\u001b[Kep\u001b[0m 1")).toBe("step 1");
  });
  it("of larger palettes and other sequences are dropped", () => {
    expect(stretches("\u001b[38;5;208mx\u001b[2J")).toEqual([{ text: "x" }]);
  });
});
