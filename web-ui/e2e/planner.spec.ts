import { expect, fakeOnly, noSeriousFaults, saved, test } from "./support";

test.beforeEach(async ({ page }) => {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Planner" }).click();
  await expect(page.getByRole("heading", { name: "Planner" })).toBeVisible();
});

test("a budget becomes runs, with the reason for each cell that is left out", async ({ page }) => {
  fakeOnly("counts the cells of the fake plan");
  const figure = page.getByRole("figure", { name: "Planned runs" });
  await expect(figure.locator("svg")).toBeVisible();
  await expect(figure.locator(".planned circle, .planned path")).toHaveCount(9);
  await expect(figure.locator(".left-out path")).toHaveCount(3);
  await expect(figure.locator(".budget-lines path")).toHaveCount(3);
  await expect(page.getByText(/at most 1000 allowed/)).toHaveCount(3);
  await expect(page.getByRole("table", { name: "Planned runs" }).getByRole("row")).toHaveCount(10);
  await noSeriousFaults(page);
});

test("what is asked stands in the address, and what cannot be is said where it was typed", async ({ page }) => {
  await page.getByLabel("Bounded by").selectOption("gpuHours");
  await page.getByLabel("Amount").fill("2");
  await page.getByLabel("Price an hour").fill("3");
  await expect(page).toHaveURL(/spend=gpuHours/);
  await expect(page.getByLabel("In all").getByText("Cost")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Amount")).toHaveValue("2");
  await page.getByLabel("Amount").fill("-2");
  await expect(page.getByText(/must be positive/).first()).toBeVisible();
  await expect(page.getByLabel("Amount")).toHaveAttribute("aria-invalid", "true");
});

test("a plan is downloaded as a sweep and submitted", async ({ page }) => {
  fakeOnly("would submit a sweep to a real platform");
  await page.getByLabel("Name").fill("mine");
  await expect(page).toHaveURL(/name=mine/);
  await page.waitForTimeout(400);
  const text = await saved(page, () => page.getByRole("button", { name: "Download plan JSON" }).click());
  expect(JSON.parse(text)).toMatchObject({ kind: "isoflop", name: "mine", experiment: "default" });
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page).toHaveURL(/\/sweeps\/\d+/);
});

test("what runs are trained in is chosen, and is the sweep's", async ({ page }) => {
  fakeOnly("reads the figures of the fake plan");
  const facts = page.getByLabel("In all");
  const precision = page.getByLabel("Precision");
  await page.getByLabel("Bounded by").selectOption("gpuHours");
  await expect(precision).toHaveValue("BF16");
  await expect(facts.getByText("340 TFLOP/s")).toBeVisible();
  await precision.selectOption("fp32");
  await expect(page).toHaveURL(/precision=FP32/);
  await expect(facts.getByText("23 TFLOP/s")).toBeVisible();
  await expect(facts.getByText("in fp32")).toBeVisible();
  await noSeriousFaults(page);
  const text = await saved(page, () => page.getByRole("button", { name: "Download plan JSON" }).click());
  expect(JSON.parse(text).training).toEqual({ precision: "FP32" });
  const submitted = page.waitForRequest((request) => request.url().endsWith("/sweeps") && request.method() === "POST");
  await page.getByRole("button", { name: "Submit sweep" }).click();
  expect(JSON.parse((await submitted).postData() ?? "").training).toEqual({ precision: "FP32" });
});

test("a sweep that was measured says what is trained in, unless one says otherwise", async ({ page }) => {
  fakeOnly("needs a sweep that trained in fp32");
  await page.getByLabel("As sweep no.").fill("3");
  await expect(page.getByLabel("Precision")).toHaveValue("FP32");
  await page.getByLabel("Precision").selectOption("bf16");
  await expect(page.getByLabel("Precision")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText(/is not what was measured/).first()).toBeVisible();
});

test("an optimal sweep has fields of its own and says how well the target will be known", async ({ page }) => {
  fakeOnly("reads the figures of the fake plan");
  const known = page.getByLabel("In all").getByText(/^× 1\./);
  await expect(page.getByText("They serve every method.")).toBeVisible();
  await expect(page.getByLabel("Most runs")).toHaveCount(0);
  await page.getByLabel("Sizes at each").fill("7");
  await page.getByLabel("Target FLOPs").fill("1e24");
  await expect(page.getByLabel("In all").getByText("N* at 10²⁴ known to")).toBeVisible();
  const curves = Number((await known.textContent())?.match(/[\d.]+/)?.[0]);
  const asked = page.waitForRequest(
    (request) => request.url().endsWith("/plans") && /OPTIMAL/.test(request.postData() ?? ""),
  );
  await page.getByLabel("Made of").selectOption("Optimal for a target");
  expect(JSON.parse((await asked).postData() ?? "").plan).toEqual({
    design: "OPTIMAL",
    flops: 1e17,
    device: "H100",
    target: 1e24,
  });
  await expect(page).toHaveURL(/design=OPTIMAL/);
  await expect(page.getByLabel("Sizes at each")).toHaveCount(0);
  await expect(page.getByLabel("Budgets", { exact: true })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Left out (37)" })).toBeVisible();
  const figure = page.getByRole("figure", { name: "Planned runs" });
  await expect(figure.locator(".budget-names text")).toHaveText([
    "300 TFLOP",
    "1 PFLOP",
    "3 PFLOP",
    "10 PFLOP",
    "30 PFLOP",
  ]);
  await expect(figure.locator(".budget-lines path")).toHaveCount(5);
  await expect(page.getByText(/passes over the corpus; at most 4/)).toHaveCount(0);
  await page.getByText("24 with too many passes over the corpus").click();
  await expect(page.getByText(/passes over the corpus; at most 4/)).toHaveCount(24);
  expect(Number((await known.textContent())?.match(/[\d.]+/)?.[0])).toBeLessThan(curves);
  await page.getByLabel("Most runs").fill("10");
  await expect(page.getByRole("table", { name: "Planned runs" }).getByRole("row")).toHaveCount(11);
  await noSeriousFaults(page);
  await page.getByLabel("Made of").selectOption("IsoFLOP curves");
  await expect(page.getByLabel("Sizes at each")).toHaveValue("7");
});

test("a new corpus is waited for, and then the sweep is submitted", async ({ page }) => {
  fakeOnly("would submit a sweep to a real platform");
  await page.getByLabel("Corpus", { exact: true }).fill("/data/books");
  await expect(page).toHaveURL(/corpus=/);
  await page.waitForTimeout(400);
  await page.getByRole("button", { name: "Submit sweep" }).click();
  const line = page.getByText(/^Preparing the data… \(run \d+\)/);
  await expect(line).toBeVisible();
  await noSeriousFaults(page);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(line).toHaveCount(0);
  await page.waitForTimeout(1500);
  await expect(page).toHaveURL(/planner/);
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page).toHaveURL(/\/sweeps\/\d+/);
});

test("data that cannot be prepared is said with its run", async ({ page }) => {
  fakeOnly("needs a corpus that fails");
  await page.getByLabel("Corpus", { exact: true }).fill("/data/broken");
  await expect(page).toHaveURL(/corpus=/);
  await page.waitForTimeout(400);
  await page.getByRole("button", { name: "Submit sweep" }).click();
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("There is no corpus at /data/broken.");
  await noSeriousFaults(page);
  await alert.getByRole("link", { name: /^run \d+$/ }).click();
  await expect(page).toHaveURL(/\/runs\/\d+/);
});
