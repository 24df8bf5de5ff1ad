import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { request } from "../api/client";
import { useLiveStatus, useTopics } from "../api/live";
import { Button } from "./parts";
import css from "./shell.module.css";
import { setTheme, THEMES, useTheme } from "./theme";

const LIVE_WORDS = { connecting: "connecting", live: "live", offline: "polling" } as const;
const THEME_MARK = { system: "◐", light: "○", dark: "●" } as const;

export function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <g fill="none" strokeWidth="3" strokeLinecap="round">
        <path d="M3 5q6 16 12 0" stroke="var(--ink-3)" />
        <path d="M9 13q6 16 12 0" stroke="var(--accent)" />
        <path d="M17 20q6 15 12 0" stroke="var(--good)" />
      </g>
    </svg>
  );
}

/** Names the tab after the page. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Isoflop` : "Isoflop";
  }, [title]);
}

export function ThemeToggle() {
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <Button
      look="quiet"
      small
      aria-label={`Theme: ${theme}. Switch to ${next}.`}
      title={`Theme: ${theme}`}
      onClick={() => setTheme(next)}
    >
      <span aria-hidden="true">{THEME_MARK[theme]}</span> {theme}
    </Button>
  );
}

export function Shell() {
  useTopics("runs", "runners");
  const status = useLiveStatus();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const path = useRouterState({ select: (state) => state.location.pathname });
  // a new page starts at its top, and with its heading for those who hear it
  // in braces: newer browsers return a promise, which React would call to undo the effect
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is the trigger
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [path]);
  const signOut = async () => {
    await request("DELETE", "/session").catch(() => undefined);
    cache.clear();
    navigate({ to: "/login" });
  };
  return (
    <>
      <a className={css.skip} href="#main">
        Skip to content
      </a>
      <header className={css.top}>
        <Link to="/" className={css.brand}>
          <Logo /> Isoflop
        </Link>
        <nav className={css.nav} aria-label="Main">
          <Link to="/" activeOptions={{ exact: true }}>
            Overview
          </Link>
          <Link to="/experiments">Experiments</Link>
          <Link to="/sweeps">Sweeps</Link>
          <Link to="/predictions">Predictions</Link>
          <Link to="/schedules">Schedules</Link>
          <Link to="/runs">Runs</Link>
          <Link to="/runners">Runners</Link>
          <Link to="/calculator">Calculator</Link>
          <Link to="/planner">Planner</Link>
        </nav>
        <div className={css.end}>
          <span
            className={css.live}
            data-status={status}
            role="status"
            title={status === "live" ? "Changes arrive as they happen" : "No event stream: asking every few seconds"}
          >
            <i aria-hidden="true" /> {LIVE_WORDS[status]}
          </span>
          <ThemeToggle />
          <Button look="quiet" small onClick={signOut}>
            Sign out
          </Button>
        </div>
      </header>
      <main id="main" className={css.main}>
        <Outlet />
      </main>
    </>
  );
}
