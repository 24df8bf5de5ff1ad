import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { answerTo, CATALOGUE } from "../../../e2e/accounting.mjs";
import { makeRouter } from "../../router";
import { type Accounting, calculatorSearch, fieldOf, questionOf } from "./question";
import { lineOf, show, typeset } from "./show";

const llama = answerTo({ preset: "llama-3-8b" }).answer as Accounting;

afterEach(() => vi.unstubAllGlobals());

describe("the address of the calculator", () => {
  it("keepsWhatWasTypedAndNothingElse", () => {
    expect(calculatorSearch({ heads: "16", tokens: "1e", other: "x", dModel: "", preset: "gpt-2" })).toEqual({
      heads: "16",
      tokens: "1e",
      preset: "gpt-2",
    });
  });
  it("asksWhatItSays", () => {
    expect(questionOf({ heads: "16", tokens: "1e12", tiedEmbeddings: "1", precision: "FP32" })).toEqual({
      question: {
        preset: "llama-3-8b",
        device: undefined,
        model: { heads: 16, tiedEmbeddings: true },
        tokens: 1e12,
        precision: "FP32",
      },
      faults: {},
    });
  });
  it("leavesOutWhatIsNoNumberAndSaysSo", () => {
    const { question, faults } = questionOf({ tokens: "1e", layers: "24,000" });
    expect(faults).toEqual({ tokens: "is no number" });
    expect(question.tokens).toBeUndefined();
    expect(question.model.layers).toBe(24_000);
  });
  it("findsTheFieldOfAProblem", () => {
    expect(fieldOf("/model/heads")).toBe("heads");
    expect(fieldOf("/mfu")).toBe("mfu");
    expect(fieldOf("/nothing")).toBeUndefined();
  });
});

describe("a line", () => {
  it("showsItsValueInItsUnit", () => {
    const of = (section: string, key: string) => {
      const line = lineOf(llama, section, key);
      return line && show(line);
    };
    expect(of("parameters", "total")).toBe("8,030,261,248");
    expect(of("kvCache", "perToken")).toBe("128 KiB");
    expect(of("memory", "ofDevice")).toBe("212 %");
    expect(of("decoding", "stepSeconds")).toBe("4.8 ms");
    expect(of("time", "flops")).toBe("7.72 × 10²³ FLOP");
  });
  it("isTypesetAsMathsIs", () => {
    expect(typeset("2 L h d_h = 3.14e23")).toBe("2 L h dₕ = 3.14 × 10²³");
  });
});

describe("the calculator's page", () => {
  const open = (path: string) => {
    const asked: { preset: string; model: Record<string, unknown> }[] = [];
    vi.stubGlobal(
      "fetch",
      vi.fn(async (url: string, init?: RequestInit) => {
        const path = String(url).replace("/api/v1", "");
        const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
        if (path !== "/accounting") return json({}, 404);
        if (init?.method !== "POST") return json(CATALOGUE);
        const question = JSON.parse(String(init.body));
        asked.push(question);
        const { answer, fault, detail } = answerTo(question);
        return answer ? json(answer) : json({ title: "invalid-request", status: 400, detail, errors: [fault] }, 400);
      }),
    );
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const router = makeRouter(cache, createMemoryHistory({ initialEntries: [path] }));
    render(
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>,
    );
    return { asked, router };
  };

  it("showsTheArithmeticAndWhatTheEngineCannotDo", async () => {
    open("/calculator");
    const table = await screen.findByRole("table", { name: "Parameters" });
    expect(within(table).getByText("3 L d f")).toBeTruthy();
    expect(within(table).getByText("= 3 × 32 × 4,096 × 14,336")).toBeTruthy();
    expect(screen.getByText(/more than 2\^31 parameters/)).toBeTruthy();
  });

  it("asksAnewAsOneTypesAndKeepsItInTheAddress", async () => {
    const { asked, router } = open("/calculator?preset=gpt-2");
    await screen.findByRole("table", { name: "Memory of Isoflop's own engine" });
    await userEvent.type(screen.getByLabelText(/^Layers/), "24");
    await waitFor(() => expect(asked.at(-1)?.model).toEqual({ layers: 24 }));
    expect(router.state.location.search).toEqual({ preset: "gpt-2", layers: "24" });
  });

  it("saysWhatIsWrongWhereItWasTypedAndKeepsTheLastAnswer", async () => {
    open("/calculator");
    await screen.findByRole("table", { name: "Parameters" });
    await userEvent.type(screen.getByLabelText(/^Query heads/), "7");
    expect((await screen.findByRole("alert")).textContent).toContain("does not divide dModel = 4096");
    expect(screen.getByLabelText(/^Query heads/).getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByRole("table", { name: "Parameters" })).toBeTruthy();
  });
});
