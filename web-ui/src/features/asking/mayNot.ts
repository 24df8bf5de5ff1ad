import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../../api/queries";

/** What submitting runs needs that who is signed in has not got, as the end of a sentence; undefined if they may. */
export function useMayNotSubmit(): string | undefined {
  const scope = useQuery(sessionQuery).data?.scope;
  return scope === "submit" || scope === "admin" ? undefined : "needs a token with the scope submit";
}
