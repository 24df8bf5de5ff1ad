import { expect, FAKE, fakeOnly, noSeriousFaults, saved, subject, test } from "./support";

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

test("the runs to train next are drawn on the surface and listed with whether they pay", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  await page.getByLabel("Runs", { exact: true }).fill("3");
  await page.getByRole("button", { name: "Propose" }).click();
  const table = page.getByRole("table", { name: "Next runs" });
  await expect(table.getByRole("row")).toHaveCount(4);
  await expect(page.locator("figure .next-runs path")).toHaveCount(3);
  if (FAKE) await expect(page.getByRole("status").filter({ hasText: "Going on pays" })).toBeVisible();
  await noSeriousFaults(page);
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
  fakeOnly("would add a fit to a real platform");
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
