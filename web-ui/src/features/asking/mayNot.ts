import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../../api/queries";

/** Why who is signed in may not submit runs; undefined if they may. */
export function useMayNotSubmit(): string | undefined {
  const scope = useQuery(sessionQuery).data?.scope;
  return scope === "submit" || scope === "admin" ? undefined : "Needs a token with the scope submit.";
}
