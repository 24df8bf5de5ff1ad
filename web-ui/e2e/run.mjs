/** Runs the end-to-end tests, or says why it does not. `ISOFLOP_URL` and `ISOFLOP_TOKEN` name a real platform to test. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
if (!browsers.some((path) => existsSync(path))) {
  console.log(`End-to-end tests skipped: no Chromium at ${browsers.join(", ")}.`);
  process.exit(0);
}
const run = (command, args) => spawnSync(command, args, { stdio: "inherit" }).status ?? 1;
if (!process.env.ISOFLOP_URL && !existsSync("dist/index.html")) {
  const built = run("npm", ["run", "build"]);
  if (built !== 0) process.exit(built);
}
process.exit(run("npx", ["playwright", "test", ...process.argv.slice(2)]));
