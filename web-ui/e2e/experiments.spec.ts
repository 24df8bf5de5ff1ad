import { expect, fakeOnly, noSeriousFaults, test } from "./support";

test("an experiment tells where its FLOPs went, and its budget is set", async ({ page }) => {
  fakeOnly("a real platform's budget would be changed");
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
