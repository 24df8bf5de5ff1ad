import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "isoflop-theme";
const listeners = new Set<() => void>();
const dark = () => window.matchMedia("(prefers-color-scheme: dark)");

export function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === stored) ?? "system";
}

/** Applies the theme to the document; `system` leaves the choice to the browser. */
export function setTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  applyTheme();
}

export function applyTheme(): void {
  const theme = storedTheme();
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  const media = dark();
  listeners.add(listener);
  media.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    media.removeEventListener("change", listener);
  };
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, storedTheme);
}

/** What is on the screen now: canvases and figures cannot follow CSS by themselves. */
export function useScheme(): "light" | "dark" {
  return useSyncExternalStore(subscribe, () => {
    const theme = storedTheme();
    return theme === "system" ? (dark().matches ? "dark" : "light") : theme;
  });
}
