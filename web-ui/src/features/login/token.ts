import { request } from "../../api/client";

/** The secret in `#token=isf_…`, as the command line prints the dashboard's address. */
export function tokenIn(fragment: string): string | undefined {
  const token = new URLSearchParams(fragment.replace(/^#/, "")).get("token");
  return token || undefined;
}

export async function signIn(token: string): Promise<void> {
  await request("POST", "/session", { body: { token } });
}

let failure: string | undefined;

/** Why the address's token was refused, for the sign-in page to say. */
export function tokenFailure(): string | undefined {
  return failure;
}

/** Exchanges the address's token, if there is one, for a session; the address loses it first, whatever happens next. */
export async function takeToken(): Promise<void> {
  const token = tokenIn(window.location.hash);
  if (!token) return;
  window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  try {
    await signIn(token);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
}
