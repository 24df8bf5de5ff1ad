import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiError, get, request } from "../../api/client";
import type { components } from "../../api/schema";

/** What pages share that ask the platform a question, live as one types it, and keep it in the address. */

const TYPING_MILLIS = 150;

export type Catalogue = components["schemas"]["Catalogue"];

/** Devices and models that are known by name. */
export const catalogueQuery = queryOptions({
  queryKey: ["accounting", "catalogue"],
  queryFn: ({ signal }) => get<Catalogue>("/accounting", undefined, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

/** An answer that follows from its question. */
export const answerQuery = <T>(path: string, question: unknown, staleTime: number) =>
  queryOptions({
    queryKey: [path, question],
    queryFn: async ({ signal }) => (await request<T>("POST", path, { body: question, signal })).data,
    placeholderData: keepPreviousData,
    staleTime,
    retry: false,
  });

/** What stands in the address once the typing has paused. */
export function useSettled<T>(search: T): T {
  const [settled, setSettled] = useState(search);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(search), TYPING_MILLIS);
    return () => clearTimeout(timer);
  }, [search]);
  return settled;
}

/** What was answered last: a question that cannot be answered leaves it standing, dimmed, rather than an empty page. */
export function useLast<T>(answer: T | undefined): T | undefined {
  const [last, setLast] = useState<T>();
  useEffect(() => {
    if (answer !== undefined) setLast(answer);
  }, [answer]);
  return answer ?? last;
}

/** Faults by field: those seen while reading the address, and those that the server names. */
export function faultsOf<F extends string>(
  seen: Partial<Record<F, string>>,
  error: unknown,
  fieldOf: (pointer: string) => F | undefined,
): Partial<Record<F, string>> {
  const faults = { ...seen };
  const problem = error instanceof ApiError ? error.problem : undefined;
  for (const one of problem?.errors ?? []) {
    const field = fieldOf(one.pointer);
    if (field) faults[field] = one.message.replace(/^= /, "");
  }
  return faults;
}

/** An address says nothing of what was left empty. */
export function typed<S extends object>(search: S): S {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== "")) as S;
}
