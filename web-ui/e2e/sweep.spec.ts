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
  if (FAKE) {
    await page.getByLabel("Runs", { exact: true }).fill("4");
    await page.getByRole("button", { name: "Propose" }).click();
    await expect(page.getByText("The fit itself knows N* only to a factor of 2.35")).toBeVisible();
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

test("a dot keeps the keyboard when its figure is drawn anew", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  const dot = page.getByRole("figure", { name: "Loss against model size" }).locator("svg a").first();
  await dot.focus();
  const href = await dot.getAttribute("href");
  // another width is another picture
  await page.setViewportSize({ width: 1100, height: 800 });
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute("href") ?? document.activeElement?.tagName))
    .toBe(href);
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

test("all methods stand beside each other on the same runs", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}`);
  await page.getByRole("button", { name: "All methods" }).click();
  await expect(page).toHaveURL(/method=all/);
  const figure = page.getByRole("figure", { name: "Optimal size against compute, by every method" });
  await expect(figure.locator("svg")).toBeVisible();
  const svg = await saved(page, () => figure.getByRole("button", { name: /as SVG/ }).click());
  expect(svg).not.toContain("NaN");
  const table = page.getByRole("table").filter({ hasText: "To know" });
  await expect(table.getByRole("rowheader", { name: /3: parametric law/ })).toBeVisible();
  await expect(table.getByRole("rowheader", { name: /1: envelope/ })).toBeVisible();
  if (FAKE) {
    await expect(page.getByText("believe the surface")).toBeVisible();
    await expect(table.getByText("needs 3 budgets with an optimum")).toBeVisible();
  }
  await noSeriousFaults(page);
});

test("the target can be moved by typing, by the slider and in a figure", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  const typed = page.getByRole("textbox", { name: "Target compute in FLOPs" });
  await typed.fill("2e12");
  await typed.press("Enter");
  await expect(page).toHaveURL(/c=2000000000000/);
  await expect(page.getByRole("heading", { name: "Optimum at 2 TFLOP" })).toBeVisible();
  await expect(page.getByText("Loss of one run")).toBeVisible();

  const slider = page.getByRole("slider", { name: "Target compute" });
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page).not.toHaveURL(/c=2000000000000/);

  // the figure's line: found by drawing at the place of the budget on its axis
  const figure = page.getByRole("figure", { name: "Optimal size against compute" });
  await figure.scrollIntoViewIfNeeded();
  const before = await page.url();
  const place = await figure.locator("svg").evaluate(
    (svg, c) => {
      const plot = svg as unknown as { scale: (name: string) => { apply: (x: number) => number } };
      const box = svg.getBoundingClientRect();
      return { x: box.left + plot.scale("x").apply(c), y: box.top + box.height / 2 };
    },
    Number(new URL(before).searchParams.get("c")),
  );
  await page.mouse.move(place.x, place.y);
  await page.mouse.down();
  await page.mouse.move(place.x + 40, place.y, { steps: 5 });
  await page.mouse.up();
  await expect(page).not.toHaveURL(before);
  const after = Number(new URL(page.url()).searchParams.get("c"));
  expect(after).toBeGreaterThan(Number(new URL(before).searchParams.get("c")));
});

test("a budget that a fit says nothing of has the reason beside it", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric&c=1e30`);
  await expect(page.getByText("the limit is 200 times")).toBeVisible();
});

test("the profile says how well the exponents are determined", async ({ page }) => {
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  for (const name of ["What the runs say of both exponents", "What they say of each exponent alone"]) {
    const figure = page.getByRole("figure", { name });
    await expect(figure.locator("svg")).toBeVisible();
    expect(await saved(page, () => figure.getByRole("button", { name: /as SVG/ }).click())).not.toContain("NaN");
  }
});

test("a refit stands beside the fit that it was made from", async ({ page }) => {
  fakeOnly("would add a fit to a real platform");
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  await page.getByRole("button", { name: "Refit…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("checkbox", { name: /C1e12-d32-s1/ }).check();
  await dialog.getByLabel(/Why C1e12-d32-s1/).fill("far from the optimum");
  await dialog.getByRole("button", { name: "Fit", exact: true }).click();
  await expect(dialog).toBeHidden();
  const beside = page.getByRole("table").filter({ hasText: "New over old" });
  await expect(beside.getByRole("row", { name: /^α/ })).toBeVisible();
  await expect(page.getByText(/is left out now \(excluded: far from the optimum\)/)).toBeVisible();
  await noSeriousFaults(page);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(beside).toHaveCount(0);
});

test("what a fit says of a budget is frozen as a prediction", async ({ page }) => {
  fakeOnly("would add a prediction to a real platform");
  const { sweep } = await subject(page);
  await page.goto(`/sweeps/${sweep}?method=parametric`);
  await page.getByRole("button", { name: "Predict…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("checkbox", { name: /The optimum at/ })).toBeChecked();
  await noSeriousFaults(page);
  await dialog.getByRole("button", { name: "Freeze" }).click();
  await expect(dialog.getByText(/at 95 %/)).toBeVisible();
  await dialog.getByRole("link", { name: "Ledger" }).click();
  await expect(page).toHaveURL(/predictions/);
});
