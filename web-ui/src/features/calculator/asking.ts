import { queryOptions } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { get } from "../../api/client";
import type { Catalogue } from "./question";

const TYPING_MILLIS = 150;

export const catalogueQuery = queryOptions({
  queryKey: ["accounting", "catalogue"],
  queryFn: ({ signal }) => get<Catalogue>("/accounting", undefined, signal),
  staleTime: Number.POSITIVE_INFINITY,
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
