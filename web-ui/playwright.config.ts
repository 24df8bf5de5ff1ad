import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
/** A platform that is running already; without it, a fake one and a preview of the build are started. */
const url = process.env.ISOFLOP_URL;
/** Two ports of this run's own, so that runs on one machine do not meet; workers inherit them. */
process.env.ISOFLOP_E2E_PORT ??= String(20_000 + (process.pid % 6_000) * 2);
const port = Number(process.env.ISOFLOP_E2E_PORT);
const preview = `http://127.0.0.1:${port}`;

export default defineConfig({
  testDir: "e2e",
  timeout: 45_000,
  expect: { timeout: 10_000 },
  workers: 1,
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    baseURL: url ?? preview,
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      ...(chromium ? { executablePath: chromium } : {}),
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  ...(url
    ? {}
    : {
        webServer: [
          { command: `node e2e/server.mjs ${port + 1}`, port: port + 1, reuseExistingServer: false },
          {
            command: `npx vite preview --port ${port} --strictPort`,
            url: preview,
            reuseExistingServer: false,
            env: { ISOFLOP_PLATFORM: `http://127.0.0.1:${port + 1}` },
          },
        ],
      }),
});
