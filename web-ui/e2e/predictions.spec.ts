import { expect, fakeOnly, test } from "./support";

test("the ledger says how many intervals held, sorts and filters in the address", async ({ page }) => {
  fakeOnly("a real platform may have no scored prediction");
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
  fakeOnly("a real platform may have no prediction");
  await page.goto("/predictions?state=scored");
  const row = page.getByRole("region", { name: "Predictions" }).getByRole("row").filter({ hasText: "missed" }).first();
  await row.getByRole("link").first().click();
  const told = page.getByRole("region", { name: "Predictions of this run" });
  await expect(told).toContainText(/Predicted \d\.\d{3}/);
  await expect(told).toContainText("missed");
  await told.getByRole("link", { name: "Ledger" }).click();
  await expect(page).toHaveURL(/\/predictions\?experiment=\d+/);
});
