import { expect, noSeriousFaults, test } from "./support";

test.beforeEach(async ({ page }) => {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Calculator" }).click();
  await expect(page.getByRole("heading", { name: "Calculator" })).toBeVisible();
});

test("a model's figures come with their arithmetic", async ({ page }) => {
  const parameters = page.getByRole("table", { name: "Parameters" });
  await expect(parameters).toContainText("8,030,261,248");
  await expect(parameters).toContainText("3 L d f");
  await expect(page.getByRole("table", { name: "KV cache" })).toContainText("128 KiB");
  await expect(page.getByRole("img", { name: /^Memory in training/ })).toBeVisible();
  await noSeriousFaults(page);
});

test("another model is in the address, and so is what is changed of it", async ({ page }) => {
  await page.getByLabel("Begins as").selectOption("mixtral-8x7b");
  await expect(page).toHaveURL(/preset=mixtral-8x7b/);
  await expect(page.getByLabel("In short")).toContainText("12,879,925,248");
  await page.getByLabel(/^Batch, sequences/).fill("4");
  await expect(page).toHaveURL(/batchSequences=4/);
  await page.reload();
  await expect(page.getByLabel(/^Batch, sequences/)).toHaveValue("4");
  await page.getByRole("button", { name: "Start over" }).click();
  await expect(page).toHaveURL(/calculator$/);
});

test("what cannot be is said where it was typed", async ({ page }) => {
  await expect(page.getByRole("table", { name: "Parameters" })).toBeVisible();
  await page.getByLabel(/^Query heads/).fill("7");
  await expect(page.getByRole("alert")).toContainText("does not divide dModel = 4096; use a divisor");
  await page.getByLabel(/^Query heads/).fill("");
  await expect(page.getByRole("alert")).toHaveCount(0);
});
