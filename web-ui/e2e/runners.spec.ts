import { expect, fakeOnly, noSeriousFaults, saved, test } from "./support";

test("the runners page leads to a runner, its GPUs and what they did", async ({ page }) => {
  fakeOnly("a real platform may have no GPU");
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
  fakeOnly("a real platform has no broken GPU");
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

test("a runner without a GPU says so, and one that is not there too", async ({ page }) => {
  fakeOnly("a real platform may have only GPU runners");
  await page.goto("/runners/1");
  await expect(page.getByText("This runner offers no GPU")).toBeVisible();
  await page.goto("/runners/999");
  await expect(page.getByText("There is no runner 999.")).toBeVisible();
});
