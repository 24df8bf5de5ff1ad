import { expect, fakeOnly, noSeriousFaults, subject, test } from "./support";

test("the runs proposed are models with their steps and time, and what was left out is folded away", async ({
  page,
}) => {
  fakeOnly("counts the columns and cells of the fake proposal");
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  await page.getByRole("button", { name: "Propose" }).click();
  const table = page.getByRole("table", { name: "Next runs" });
  await expect(table.getByRole("cell", { name: "d128 (128 × 5)" })).toBeVisible();
  await expect(table.getByRole("columnheader", { name: "Time" })).toBeVisible();
  await page.getByText("20 that could have been chosen but for a limit").click();
  await expect(page.getByText("15 with too few steps")).toBeVisible();
  await expect(page.getByText(/steps; at least 100 needed/)).toHaveCount(0);
  await page.getByText("15 with too few steps").click();
  await expect(page.getByText(/steps; at least 100 needed/)).toHaveCount(15);
  await noSeriousFaults(page);
});

test("a fit that counts N otherwise than the sweep says why it proposes no models", async ({ page }) => {
  fakeOnly("needs a fit of the other count");
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric&n=non`);
  await page.getByRole("button", { name: "Propose" }).click();
  await expect(page.getByText(/a fit that counts as the sweep does proposes whole models/)).toBeVisible();
  await expect(page.getByRole("button", { name: /^Train/ })).toHaveCount(0);
});

test("bounds are sent, and one that cannot be is shown where it stands", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  const most = page.getByLabel("Most FLOPs of a run");
  await expect(most).toBeHidden();
  await page.getByText("Bounds").click();
  await expect(most).toHaveAttribute("placeholder", /^\d(\.\d+)?e\d+$/);
  await most.fill("lots");
  await page.getByText("Bounds").click();
  await expect(most).toBeHidden();
  await page.getByRole("button", { name: "Propose" }).click();
  await expect(most).toBeVisible();
  await most.fill("1");
  await page.getByRole("button", { name: "Propose" }).click();
  await expect(page.getByRole("alert")).toContainText("/maxRun");
});

test("what is proposed is trained, and the next fit has it", async ({ page }) => {
  fakeOnly("would train on a real platform");
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  const points = page.getByText(/^Fit #\d+,.* 25 points/);
  await expect(points).toBeVisible();
  await page.getByLabel("Runs", { exact: true }).fill("2");
  await page.getByRole("button", { name: "Propose" }).click();
  await expect(page.getByLabel("Predict each from this fit first, and score it")).toBeChecked();
  await page.getByRole("button", { name: "Train these 2 runs" }).dblclick();
  await expect(
    page.getByText(/^2 runs added by fit \d+ at .*; they are fitted with the rest when they end\.$/),
  ).toBeVisible();
  const since = page.getByRole("list", { name: "Added since" });
  await expect(since.getByRole("listitem")).toHaveCount(1);
  await expect(since).toContainText(/2 runs \(.* TFLOP\) added by fit #\d+ at/);
  await expect(page.getByText("25 of 27 runs")).toBeVisible();
  await expect(page.getByRole("link", { name: /^C2\.82e12-d128/ })).toBeVisible();
  await noSeriousFaults(page);

  // they end, and the platform fits the sweep again: the page shows that fit, which has them
  await expect(page.getByText(/^Fit #\d+,.* 27 points/)).toBeVisible();
  await expect(page.getByText("27 of 27 runs")).toBeVisible();
  await expect(page.getByLabel("Runs", { exact: true })).toHaveValue("2");
  await since.getByRole("link", { name: /^fit #/ }).click();
  await expect(points).toBeVisible();
  await expect(page.getByText(/^2 runs added by fit/)).toBeVisible();
  await page.getByLabel("Runs", { exact: true }).fill("1");
  await page.getByRole("button", { name: "Propose" }).click();
  await expect(page.getByText(/^2 runs came to the sweep after fit #\d+ was made/)).toBeVisible();
  await page.goto("/predictions");
  await expect(page.getByRole("link", { name: /^C2\.82e12-d128/ }).first()).toBeVisible();
});

test("runs off the grid are one quiet series, and lines keep their labels", async ({ page }) => {
  fakeOnly("counts the runs of the fake grown sweep");
  await page.goto("/sweeps/4?method=parametric");
  const main = page.getByRole("figure", { name: "Loss against model size" });
  await expect(main.getByText("38 runs: 28 at 5 compute budgets, 10 off the grid")).toBeVisible();
  await expect(main.locator(".off-grid path")).toHaveCount(10);
  await expect(main.locator("svg text").filter({ hasText: /FLOP$/ })).toHaveText([
    "100 GFLOP",
    "300 GFLOP",
    "1 TFLOP",
    "3 TFLOP",
    "6.1 TFLOP",
  ]);
  for (const name of [
    "Loss against model size",
    "Loss against compute",
    "Loss over parameters and tokens",
    "What the surface leaves over",
  ]) {
    const figure = page.getByRole("figure", { name });
    await expect(figure.locator("svg text").filter({ hasText: "off the grid (10 runs)" })).toHaveCount(1);
    await expect(figure.locator(".off-grid path")).toHaveCount(10);
  }
  const dot = main.locator(".off-grid a").first();
  await dot.focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/runs\/\d+/);
  await page.goto("/sweeps/4");
  await expect(page.getByText(/budgets? ha(s|ve) too few sizes for a parabola/)).toHaveCount(1);
  await expect(page.getByText(/distinct sizes; a parabola needs 4/)).toHaveCount(1);
  await noSeriousFaults(page);
});

test("a sweep of single runs has the law along a few round budgets", async ({ page }) => {
  fakeOnly("needs the fake sweep without a grid");
  await page.goto("/sweeps/5?method=parametric");
  const main = page.getByRole("figure", { name: "Loss against model size" });
  await expect(main.locator("svg text").filter({ hasText: /FLOP$/ })).toHaveText([
    "100 GFLOP",
    "300 GFLOP",
    "1 TFLOP",
    "3 TFLOP",
    "10 TFLOP",
  ]);
  await expect(main.getByText("Curves are the fitted law along round budgets")).toBeVisible();
  await expect(main.locator("svg text").filter({ hasText: "off the grid" })).toHaveCount(0);
});
