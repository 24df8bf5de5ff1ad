import { expect, fakeOnly, saved, subject, test } from "./support";

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
  fakeOnly("needs more runs than a fresh platform has");
  await page.goto("/runs?sort=name");
  const table = page.getByRole("table", { name: "Runs" });
  await expect(table.getByRole("row").nth(1)).toBeVisible();
  const rows = await table.getByRole("row").count();
  expect(rows).toBeLessThan(80);
  // other tests add runs, so they are counted
  const runs = await page.evaluate(async () => {
    let found = 0;
    let after: string | undefined = "0";
    while (after !== undefined) {
      const part: { items: unknown[]; next?: string } = await (
        await fetch(`/api/v1/runs?limit=200&after=${after}`)
      ).json();
      found += part.items.length;
      after = part.next;
    }
    return found;
  });
  expect(runs).toBeGreaterThan(500);
  await expect(async () => {
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await expect(table).toHaveAttribute("aria-rowcount", String(runs + 1), { timeout: 300 });
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
  fakeOnly("a real platform may have no GPU");
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
  fakeOnly("a real platform may have only GPU runners");
  await page.goto("/runs/101?tab=profile");
  await expect(page.getByLabel("Use of the device")).toContainText("no peak is known");
  await expect(page.getByRole("img", { name: /^Memory by arena/ })).toBeVisible();
  await expect(page.getByText("operations are not told apart")).toBeVisible();
  await page.goto("/runs/225?tab=profile");
  await expect(page.getByText("Nothing has been told yet")).toBeVisible();
});

test("cancelling a run sends the version it saw", async ({ page }) => {
  fakeOnly("would cancel a real run");
  await page.goto("/runs?state=queued");
  await page.getByRole("table", { name: "Runs" }).getByRole("link").first().click();
  page.on("dialog", (dialog) => dialog.accept());
  const cancelled = page.waitForRequest((request) => request.url().endsWith("/cancellation"));
  await page.getByRole("button", { name: "Cancel run" }).click();
  expect((await cancelled).headers()["if-match"]).toMatch(/^"\d+-\d+"$/);
  await expect(page.getByText("cancelled", { exact: true }).first()).toBeVisible();
});
