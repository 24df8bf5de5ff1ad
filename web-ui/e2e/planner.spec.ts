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
