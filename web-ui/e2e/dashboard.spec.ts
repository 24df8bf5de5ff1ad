import { readFile } from "node:fs/promises";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

const TOKEN = process.env.ISOFLOP_TOKEN ?? "isf_e2e";
/** A real platform has runs of its own: only what the fake one's data makes certain is asked of it alone. */
const FAKE = process.env.ISOFLOP_URL === undefined;

let problems: string[] = [];

test.beforeEach(async ({ page }) => {
  problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`/#token=${TOKEN}`);
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

test.afterEach(() => expect(problems).toEqual([]));

/** The newest sweep that has a finished run, and that run: found through the API with the session just opened. */
async function subject(page: Page): Promise<{ sweep: number; run: number; name: string }> {
  const found = await page.evaluate(async () => {
    const read = async (path: string) => (await fetch(`/api/v1${path}`)).json();
    for (const sweep of (await read("/sweeps?limit=50")).items) {
      const runs = (await read(`/runs?sweep=${sweep.id}&state=succeeded&kind=pretrain&limit=50`)).items;
      const fits = await read(`/sweeps/${sweep.id}/fits`);
      if (runs.length && (Array.isArray(fits) ? fits : fits.items).length) {
        return { sweep: sweep.id, run: runs[0].id, name: runs[0].name };
      }
    }
    return undefined;
  });
  test.skip(found === undefined, "the platform has no fitted sweep yet");
  return found as { sweep: number; run: number; name: string };
}

/** A runner with GPUs if there is one, else any. */
async function aRunner(page: Page): Promise<number> {
  const found = await page.evaluate(async () => {
    const runners: { id: number; devices: unknown[] }[] = await (await fetch("/api/v1/runners")).json();
    return (runners.find((one) => one.devices.length > 0) ?? runners[0])?.id;
  });
  test.skip(found === undefined, "no runner has ever been connected to this platform");
  return found as number;
}

async function noSeriousFaults(page: Page) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa"]).analyze();
  const serious = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
  expect(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(" | ")}`)).toEqual([]);
}

test("the token leaves the address and a session is open", async ({ page }) => {
  expect(page.url()).not.toContain("token");
  await page.reload();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

test("without a session every page leads to the sign-in and back", async ({ page, context }) => {
  await context.clearCookies();
  await page.goto("/runs?sort=name");
  await expect(page.getByLabel("API token")).toBeVisible();
  await noSeriousFaults(page);
  await page.getByLabel("API token").fill("isf_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("API token").fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/runs\?sort=name/);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`no page has a serious accessibility fault in ${colorScheme}`, async ({ page }) => {
    test.setTimeout(180_000); // it looks at every page
    const { sweep, run } = await subject(page);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [path, ready] of [
      ["/", "Recent sweeps"],
      ["/experiments", "Experiments"],
      ["/experiments/1", "Where its FLOPs went"],
      ["/sweeps", "Sweeps"],
      ["/runs", "Runs"],
      [`/runs/${run}`, "Loss"],
      [`/runs/${run}?tab=profile`, "Where the time goes"],
      ...(FAKE ? ([["/runs/300?tab=profile", "Operations of a step"]] as const) : []),
      [`/runs/${run}?tab=config`, "training"],
      [`/runs/${run}?tab=attempts`, "Attempts"],
      [`/runs/${run}?tab=artifacts`, "Step"],
      ["/predictions", "Predictions"],
      ["/schedules", "Schedules"],
      ["/runners", "Runners"],
      [`/runners/${await aRunner(page)}`, /./],
      [`/sweeps/${sweep}`, "Loss against model size"],
      [`/sweeps/${sweep}?method=parametric`, "Loss against model size"],
    ] as const) {
      await page.goto(path);
      await expect(page.getByRole("heading", { name: ready }).first()).toBeVisible();
      await page.waitForTimeout(300);
      await test.step(path, () => noSeriousFaults(page));
    }
  });
}

test("the theme toggle wins over the system and is remembered", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: /^Theme: system/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  await expect(page.getByRole("button", { name: /^Theme: dark/ })).toBeVisible();
  expect(await ground()).not.toBe(light);
  await page.reload();
  await expect(page.getByRole("button", { name: /^Theme: dark/ })).toBeVisible();
});

test("the runs table keeps filters, order and columns in the address", async ({ page }) => {
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await page.getByText("Any state").click();
  await page.getByRole("checkbox", { name: "succeeded" }).check();
  await expect(page).toHaveURL(/state=succeeded/);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Final loss" }).click();
  await expect(page).toHaveURL(/sort=finalLoss/);
  await page.getByText("Columns", { exact: true }).click();
  await page.getByRole("checkbox", { name: "Bits/byte" }).check();
  await expect(page).toHaveURL(/cols=.*bitsPerByte/);
  await page.reload();
  await expect(page.getByRole("columnheader", { name: "Bits/byte" })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: /Final loss/ })).toHaveAttribute("aria-sort", "ascending");
});

test("the runs table loads further pages as it is scrolled", async ({ page }) => {
  test.skip(!FAKE, "needs more runs than a fresh platform has");
  await page.goto("/runs?sort=name");
  const table = page.getByRole("table", { name: "Runs" });
  await expect(table.getByRole("row").nth(1)).toBeVisible();
  const rows = await table.getByRole("row").count();
  expect(rows).toBeLessThan(80);
  await expect(async () => {
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await expect(table).toHaveAttribute("aria-rowcount", "513", { timeout: 300 });
  }).toPass();
});

test("chosen runs are laid over each other", async ({ page }) => {
  await page.goto("/runs?kind=pretrain&state=succeeded");
  await page
    .getByRole("checkbox", { name: /^Compare / })
    .first()
    .check();
  await expect(page).toHaveURL(/sel=\d+/);
  await expect(page.getByRole("figure", { name: "Training loss of the chosen runs" })).toBeVisible();
});

test("the run page draws its curves and keeps how they are shown in the address", async ({ page }) => {
  const { run } = await subject(page);
  await page.goto(`/runs/${run}`);
  const figure = page.getByRole("figure", { name: "Loss", exact: true });
  await expect(figure.locator("canvas")).toBeVisible();
  await page.getByRole("button", { name: "FLOPs", exact: true }).click();
  await page.getByRole("checkbox", { name: "log x" }).check();
  await page.getByLabel("Smoothing weight").fill("0.8");
  await expect(page).toHaveURL(/x=flops/);
  await expect(page).toHaveURL(/logx=1/);
  await expect(page).toHaveURL(/smooth=0.8/);
  await expect(figure.getByRole("img", { name: /compute C/ })).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Smoothing weight")).toHaveValue("0.8");
});

test("dragging across a curve asks the server for that range", async ({ page }) => {
  const { run } = await subject(page);
  await page.goto(`/runs/${run}`);
  const plot = page.getByRole("figure", { name: "Loss", exact: true }).locator(".u-over");
  // the chart is made anew when its second series arrives
  await expect(page.getByRole("img", { name: /^Loss of .*, [1-9]\d* points/ })).toBeVisible();
  await page.waitForTimeout(600);
  await expect(plot).toBeVisible();
  const box = await plot.boundingBox();
  if (!box) throw new Error("no plot");
  const asked = page.waitForRequest((request) => /series\?name=train.*from=\d+.*to=\d+/.test(request.url()));
  await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 50, { steps: 8 });
  await page.mouse.up();
  await asked;
  await expect(page).toHaveURL(/from=\d+&to=\d+/);
});

test("a curve leaves as SVG and CSV", async ({ page }) => {
  const { run } = await subject(page);
  await page.goto(`/runs/${run}`);
  const figure = page.getByRole("figure", { name: "Loss", exact: true });
  await expect(figure.locator("canvas")).toBeVisible();
  await page.waitForTimeout(500);
  const svg = await saved(page, () => figure.getByRole("button", { name: /as SVG/ }).click());
  expect(svg).toContain("<svg");
  expect(svg).toContain("<path");
  const table = await saved(page, () => figure.getByRole("button", { name: /as CSV/ }).click());
  expect(table.split("\r\n")[0]).toBe("metric,step,position,last,min,max");
  expect(table.split("\r\n").length).toBeGreaterThan(10);
});

async function saved(page: Page, click: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFile(await download.path(), "utf8");
}

test("logs, configuration and checkpoints of a run are there", async ({ page }) => {
  const { run } = await subject(page);
  await page.goto(`/runs/${run}`);
  await page.getByRole("tab", { name: "Logs" }).click();
  await expect(page).toHaveURL(/tab=logs/);
  await expect(page.getByRole("log")).toBeVisible();
  await page.getByRole("tab", { name: "Logs" }).press("ArrowRight");
  await expect(page).toHaveURL(/tab=artifacts/);
  await expect(page.getByText("SHA-256").first()).toBeVisible();
  await page.getByRole("tab", { name: "Configuration" }).click();
  await expect(page.getByText("learningRate", { exact: true })).toBeVisible();
});

test("the profile of a run on a GPU says what bounds each operation", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have no GPU");
  await page.setViewportSize({ width: 1366, height: 768 });
  await page.goto("/runs/300");
  await expect(page.getByRole("heading", { name: "train/mfu", exact: true })).toBeVisible();
  await page.getByRole("tab", { name: "Profile" }).click();
  await expect(page).toHaveURL(/tab=profile/);
  const figures = page.getByLabel("Use of the device");
  await expect(figures).toContainText("31.1 %");
  await expect(figures).toContainText("40.4 %");
  await expect(figures).toContainText("NVIDIA H100 80GB HBM3");
  await expect(page.getByRole("img", { name: /^Memory by arena: .*activations 4\.11 GiB/ })).toBeVisible();
  const table = page.getByRole("table", { name: "Operations of a step" });
  await expect(table.getByRole("row").nth(1)).toContainText("attention backward");
  await expect(table.getByRole("row", { name: /^gate and up dW/ })).toContainText("compute");
  await expect(table.getByRole("row", { name: /^adamw/ })).toContainText("memory");
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
});

test("a run on a CPU tells its memory, and one that has not begun says so", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have only GPU runners");
  await page.goto("/runs/101?tab=profile");
  await expect(page.getByLabel("Use of the device")).toContainText("no peak is known");
  await expect(page.getByRole("img", { name: /^Memory by arena/ })).toBeVisible();
  await expect(page.getByText("operations are not told apart")).toBeVisible();
  await page.goto("/runs/225?tab=profile");
  await expect(page.getByText("Nothing has been told yet")).toBeVisible();
});

test("the runners page leads to a runner, its GPUs and what they did", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have no GPU");
  await page.getByRole("link", { name: "Runners", exact: true }).click();
  const row = page.getByRole("row", { name: /gpu-node-1/ });
  await expect(row).toContainText("2 × NVIDIA H100 80GB HBM3");
  await expect(page.getByRole("row", { name: /local-1/ })).toContainText("none");
  await row.getByRole("link").click();
  await expect(page).toHaveURL(/\/runners\/2$/);
  await expect(page.getByRole("heading", { name: "GPU 1: NVIDIA H100 80GB HBM3" })).toBeVisible();
  await expect(page.getByRole("progressbar", { name: /^Memory of GPU 0: [\d.]+ [MG]iB of 79.2 GiB/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Utilisation of GPU 0 over the last 1 h, 3\d\d points/ })).toBeVisible();
  const asked = page.waitForRequest((request) => /devices\/0\/samples\?from=.*maxPoints=/.test(request.url()));
  await page.getByRole("button", { name: "15 min" }).click();
  await asked;
  await expect(page).toHaveURL(/last=15m/);
  await page.reload();
  await expect(page.getByRole("img", { name: /^Power of GPU 1 over the last 15 min, \d+ points/ })).toBeVisible();
  const figure = page.getByRole("figure", { name: "Memory" }).first();
  const svg = await saved(page, () => figure.getByRole("button", { name: /as SVG/ }).click());
  expect(svg).toContain("<path");
  expect(svg).not.toContain("NaN");
  const table = await saved(page, () => figure.getByRole("button", { name: /as CSV/ }).click());
  expect(table.split("\r\n")[0]).toBe("time,memoryUsedBytes");
  expect(table.split("\r\n").length).toBeGreaterThan(80);
});

test("what is wrong with runners and runs is said, and both are taken back", async ({ page }) => {
  test.skip(!FAKE, "a real platform has no broken GPU");
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto("/runners");
  await expect(page.getByRole("row", { name: /local-1/ })).toContainText("412 MiB free");
  await expect(page.getByRole("row", { name: /gpu-node-1/ })).toContainText("Set aside: gpu-ecc in run 7");
  await page.goto("/runners/2");
  await expect(page.getByText(/Set aside until .*CUDA_ERROR_ECC_UNCORRECTABLE/)).toBeVisible();
  await page.getByRole("button", { name: "Take back into service" }).click();
  await expect(page.getByText(/Set aside until/)).toBeHidden();
  await page.goto("/runs?state=failed");
  await page.getByRole("table", { name: "Runs" }).getByRole("link").first().click();
  await page.getByRole("tab", { name: "Attempts" }).click();
  await expect(page.getByText(/Judged out_of_memory by the rule out-of-memory/)).toBeVisible();
  await noSeriousFaults(page);
  await page.getByRole("button", { name: "Release run" }).click();
  await expect(page.getByRole("button", { name: "Release run" })).toBeHidden();
  await expect(page.getByRole("button", { name: "Cancel run" })).toBeVisible();
});

test("an experiment tells where its FLOPs went, and its budget is set", async ({ page }) => {
  test.skip(!FAKE, "a real platform's budget would be changed");
  await page.getByRole("link", { name: "Experiments", exact: true }).click();
  const row = page.getByRole("row").nth(1);
  await expect(row).toContainText("none");
  await row.getByRole("link").click();
  await expect(page.getByText(/of what was executed served nothing/)).toBeVisible();
  await expect(page.getByRole("img", { name: /Achieved .*Replayed .*Abandoned/ })).toBeVisible();
  await page.getByRole("button", { name: "Change" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/FLOPs that its runs may execute/).fill("5e15");
  await dialog.getByLabel(/Weight/).fill("2");
  await noSeriousFaults(page);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText(/of 5 PFLOP committed/)).toBeVisible();
  await page.getByRole("link", { name: "Experiments", exact: true }).click();
  await expect(row).toContainText("5 PFLOP");
});

test("the ledger says how many intervals held, sorts and filters in the address", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have no scored prediction");
  await page.goto("/predictions");
  await expect(page.getByText(/^\d+ of \d+ within their 90 % intervals$/)).toBeVisible();
  await expect(page.getByRole("figure", { name: "Predicted intervals and what was observed" })).toBeVisible();
  const ledger = page.getByRole("region", { name: "Predictions" });
  await ledger.getByRole("button", { name: "Error" }).click();
  await expect(page).toHaveURL(/sort=absoluteError/);
  await ledger.getByRole("button", { name: "Error" }).click();
  await expect(page).toHaveURL(/sort=-absoluteError/);
  await expect(ledger.getByRole("row").nth(1)).toContainText("missed");
  await page.getByLabel("Outcome").selectOption("yes");
  await expect(page).toHaveURL(/covered=yes/);
  await expect(ledger.getByText("missed")).toHaveCount(0);
  await page.reload();
  await expect(page.getByLabel("Outcome")).toHaveValue("yes");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByLabel("State").selectOption("void");
  await expect(ledger.getByText("void").first()).toBeVisible();
  // at the smaller of the usual widths nothing has to be scrolled sideways
  await page.setViewportSize({ width: 1280, height: 720 });
  expect(await ledger.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
});

test("a run tells what was predicted of it", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have no prediction");
  await page.goto("/predictions?state=scored");
  const row = page.getByRole("region", { name: "Predictions" }).getByRole("row").filter({ hasText: "missed" }).first();
  await row.getByRole("link").first().click();
  const told = page.getByRole("region", { name: "Predictions of this run" });
  await expect(told).toContainText(/Predicted \d\.\d{3}/);
  await expect(told).toContainText("missed");
  await told.getByRole("link", { name: "Ledger" }).click();
  await expect(page).toHaveURL(/\/predictions\?experiment=\d+/);
});

test("the schedules page says what fires next and what fires did, pauses, resumes and runs now", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have no schedule");
  await page.getByRole("link", { name: "Schedules", exact: true }).click();
  const row = page.getByRole("row", { name: /nightly-small/ });
  await expect(row).toContainText("30 2 * * *");
  await expect(row).toContainText("Europe/Berlin");
  await expect(row).toContainText("Sweep 2 of an earlier fire is still at work.");
  await expect(row.getByRole("link", { name: "sweep 2" })).toHaveAttribute("href", "/sweeps/2");
  await row.getByText("2026-10-24 02:30 +02:00").first().click();
  await expect(row.getByText(/02:30 comes twice on 2026-10-25/)).toBeVisible();
  await row.getByRole("button", { name: "Pause nightly-small" }).click();
  await expect(row.getByText("paused")).toBeVisible();
  await row.getByRole("button", { name: "Resume nightly-small" }).click();
  await expect(row.getByText("2026-10-24 02:30 +02:00").first()).toBeVisible();
  await row.getByRole("button", { name: "Run nightly-small now" }).click();
  await expect(row.getByText("Waits for its dataset, which run 7 prepares.")).toBeVisible();
  await expect(row).toContainText("by hand");
});

test("a schedule is made from a sweep, changed and removed", async ({ page }) => {
  test.skip(!FAKE, "a real platform would fire it");
  await page.goto("/schedules");
  await page.getByRole("button", { name: "New schedule" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("every-hour");
  await dialog.getByLabel(/^Cron/).fill("0 * * * *");
  await dialog.getByLabel("Time zone").fill("Europe/Berlin");
  await dialog.getByLabel(/^Sweep/).fill("{");
  await dialog.getByRole("button", { name: "Add" }).click();
  await expect(dialog.getByRole("alert")).toContainText("JSON");
  await dialog.getByLabel("The sweep begins as that of").selectOption({ index: 1 });
  await expect(dialog.getByLabel(/^Sweep/)).toHaveValue(/"kind": "isoflop"/);
  await noSeriousFaults(page);
  await dialog.getByRole("button", { name: "Add" }).click();
  const row = page.getByRole("row", { name: /every-hour/ });
  await expect(row).toContainText("0 * * * *");
  await row.getByRole("button", { name: "Change every-hour" }).click();
  await dialog.getByLabel(/^Cron/).fill("0 4 * * *");
  await dialog.getByLabel("What was missed while no platform was up").selectOption("ALL");
  await dialog.getByLabel("How many at most").fill("3");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(row).toContainText("0 4 * * *");
  await expect(row).toContainText("catches up with 3 at most");
  await row.getByRole("button", { name: "Change every-hour" }).click();
  page.once("dialog", (question) => question.accept());
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(row).toHaveCount(0);
});

test("a runner without a GPU says so, and one that is not there too", async ({ page }) => {
  test.skip(!FAKE, "a real platform may have only GPU runners");
  await page.goto("/runners/1");
  await expect(page.getByText("This runner offers no GPU")).toBeVisible();
  await page.goto("/runners/999");
  await expect(page.getByText("There is no runner 999.")).toBeVisible();
});

test("the sweep page draws its four figures, each as SVG and CSV", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  for (const name of [
    "Loss against model size",
    "Loss against compute",
    "Optimal size against compute",
    "Optimal tokens against compute",
  ]) {
    const figure = page.getByRole("figure", { name });
    await expect(figure.locator("svg")).toBeVisible();
    const svg = await saved(page, () => figure.getByRole("button", { name: /as SVG/ }).click());
    expect(svg).toMatch(/^<\?xml/);
    expect(svg).not.toContain("NaN");
    const table = await saved(page, () => figure.getByRole("button", { name: /as CSV/ }).click());
    expect(table.split("\r\n").length).toBeGreaterThan(5);
  }
});

test("a parametric fit has a surface over N and D and what it leaves over", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  await expect(page.getByRole("figure", { name: "Loss against model size" })).toBeVisible();
  await expect(page.getByRole("figure", { name: "Loss over parameters and tokens" })).toHaveCount(0);
  await page.getByRole("button", { name: "Parametric law" }).click();
  for (const name of ["Loss over parameters and tokens", "What the surface leaves over"]) {
    const figure = page.getByRole("figure", { name });
    await expect(figure.locator("svg")).toBeVisible();
    const svg = await saved(page, () => figure.getByRole("button", { name: /as SVG/ }).click());
    expect(svg).not.toContain("NaN");
    const table = await saved(page, () => figure.getByRole("button", { name: /as CSV/ }).click());
    expect(table.split("\r\n").length).toBeGreaterThan(5);
    expect(table).toContain("log_residual");
  }
});

test("the figure says in its table what it shows", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  const figure = page.getByRole("figure", { name: "Loss against model size" });
  await figure.getByText("Data table").click();
  await expect(figure.getByRole("columnheader", { name: "budget_flops" })).toBeVisible();
  if (FAKE) {
    await expect(figure.getByRole("row").filter({ hasText: /^optimum/ })).toHaveCount(3);
    await expect(figure.getByRole("row").filter({ hasText: /^refused/ })).toHaveCount(1);
    await expect(page.getByText("Add smaller models.").first()).toBeVisible();
  }
});

test("a dot leads to its run", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  const dot = page.getByRole("figure", { name: "Loss against model size" }).locator("svg a").first();
  await dot.focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/runs\/\d+/);
});

test("method and count of N are in the address", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  await page.getByRole("button", { name: "Parametric law" }).click();
  await expect(page).toHaveURL(/method=parametric/);
  await page.getByRole("button", { name: "without" }).click();
  await expect(page).toHaveURL(/n=non/);
  await page.reload();
  await expect(page.getByRole("button", { name: "Parametric law" })).toHaveAttribute("aria-pressed", "true");
});

test("a refit stores which runs were left out and why", async ({ page }) => {
  test.skip(!FAKE, "would add a fit to a real platform");
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  await page.getByRole("button", { name: "Refit…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("checkbox", { name: /C1e11-d64/ }).check();
  await dialog.getByLabel(/Why C1e11-d64/).fill("far from the optimum");
  await noSeriousFaults(page);
  await dialog.getByRole("button", { name: "Fit", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("is left out: excluded: far from the optimum")).toBeVisible();
});

test("progress of running runs arrives by itself", async ({ page }) => {
  test.skip(!FAKE, "needs a run under way");
  await page.goto("/");
  const bar = page.getByRole("region", { name: "Active runs" }).getByRole("progressbar").first();
  const before = Number(await bar.getAttribute("aria-valuenow"));
  await expect(async () => expect(Number(await bar.getAttribute("aria-valuenow"))).toBeGreaterThan(before)).toPass();
  await expect(page.getByRole("status")).toContainText("live");
});

test("cancelling a run sends the version it saw", async ({ page }) => {
  test.skip(!FAKE, "would cancel a real run");
  await page.goto("/runs?state=queued");
  await page.getByRole("table", { name: "Runs" }).getByRole("link").first().click();
  page.on("dialog", (dialog) => dialog.accept());
  const cancelled = page.waitForRequest((request) => request.url().endsWith("/cancellation"));
  await page.getByRole("button", { name: "Cancel run" }).click();
  expect((await cancelled).headers()["if-match"]).toMatch(/^"\d+-\d+"$/);
  await expect(page.getByText("cancelled", { exact: true }).first()).toBeVisible();
});
