/**
 * What Maven calls: `node build.mjs` makes dist/; `node build.mjs test SKIP…` runs the unit tests and `node build.mjs e2e SKIP…` the
 * browser tests, unless a SKIP is `true`.
 * Packages are installed only when the lock file is not the one they were installed from, and the dashboard is built only
 * when something it is made of is newer than the last build, so that an unchanged one costs a Maven build nothing.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

function run(...args) {
  const { status, error } = spawnSync(npm, args, { cwd: root, stdio: "inherit" });
  if (error?.code === "ENOENT") fail("npm was not found: install Node.js 20 or newer, or pass -DskipUi.");
  if (status !== 0) fail(`npm ${args.join(" ")} failed.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function install() {
  const stamp = join(root, "node_modules", ".isoflop-lock");
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  run("ci", "--no-progress");
  writeFileSync(stamp, lock);
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function build() {
  const made = join(root, "dist", "index.html");
  const sources = ["src", "public", "index.html", "vite.config.ts", "tsconfig.json", "package-lock.json"];
  if (existsSync(made) && sources.every((name) => newest(join(root, name)) < statSync(made).mtimeMs)) return;
  run("run", "--silent", "build");
  // Maven copies and never deletes: hashed files of earlier builds would stay in the jar for ever
  rmSync(join(root, "target", "classes", "META-INF", "resources"), { recursive: true, force: true });
}

const [mode, ...skips] = process.argv.slice(2);
if (mode === "test" || mode === "e2e") {
  if (!skips.includes("true")) {
    install();
    run(...(mode === "test" ? ["test", "--silent"] : ["run", "--silent", "e2e"]));
  }
} else {
  install();
  build();
}
