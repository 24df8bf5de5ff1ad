import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where /api goes in development and preview: a platform on its default port, or the end-to-end tests' fake one. */
const platform = process.env.ISOFLOP_PLATFORM ?? "http://127.0.0.1:8808";
const proxy = { "/api": { target: platform, changeOrigin: false } };

export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  build: {
    outDir: "dist",
    target: "es2022",
    // light-dark() must stay as it is: rewritten for older browsers it no longer follows the theme toggle
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // hashed names may be cached for ever; the platform serves index.html with no-cache
    assetsDir: "assets",
    chunkSizeWarningLimit: 600,
    // the jar is built reproducibly and the map would double it
    sourcemap: false,
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
    testTimeout: 15_000,
  },
});
