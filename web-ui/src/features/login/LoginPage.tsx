import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Button, Notice, ui } from "../../ui/parts";
import { Logo, useTitle } from "../../ui/Shell";
import css from "./login.module.css";
import { signIn, tokenFailure } from "./token";

export function LoginPage() {
  useTitle("Sign in");
  const { next } = useSearch({ from: "/login" });
  const router = useRouter();
  const cache = useQueryClient();
  const [token, setToken] = useState("");
  const [error, setError] = useState(tokenFailure());
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(token.trim());
      cache.clear();
      router.history.push(next ?? "/");
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className={css.page}>
      <form className={css.card} onSubmit={submit}>
        <h1 className={css.brand}>
          <Logo /> Isoflop
        </h1>
        <p>
          Sign in with an API token. <code>isoflop up</code> prints the dashboard’s address with one in it.
        </p>
        {error && <Notice kind="bad">{error}</Notice>}
        <div className={css.row}>
          <input
            className={ui.input}
            type="password"
            autoComplete="current-password"
            aria-label="API token"
            placeholder="isf_…"
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
          <Button look="primary" type="submit" disabled={busy}>
            Sign in
          </Button>
        </div>
      </form>
    </main>
  );
}
