import type { Page } from "@playwright/test";
import { expect, fakeOnly, noSeriousFaults, test } from "./support";

async function running(page: Page): Promise<{ id: number }[]> {
  return page.evaluate(
    async () => (await (await fetch("/api/v1/runs?state=running&kind=pretrain&limit=50")).json()).items,
  );
}

test("a run on its way says where it will end, whether to stop, and draws it", async ({ page }) => {
  fakeOnly("needs runs that are on their way");
  const runs = await running(page);
  for (const [parity, verdict] of [
    [0, "stop"],
    [1, "go-on"],
  ] as const) {
    const run = runs.find((one) => one.id % 2 === parity);
    expect(run, verdict).toBeDefined();
    await page.goto(`/runs/${run?.id}`);
    const panel = page.getByRole("region", { name: "Outlook of this run" });
    await expect(panel).toContainText("Predicted final loss");
    await expect(panel).toContainText("at 90 %");
    await expect(panel.locator(`[data-verdict="${verdict}"]`)).toBeVisible();
    const figure = page.getByRole("figure", { name: "Loss", exact: true });
    await expect(figure.locator("canvas")).toBeVisible();
    await expect(figure).toContainText("predicted");
    await noSeriousFaults(page);
    // one that is asked for a stretch of steps shows these
    await page.goto(`/runs/${run?.id}?to=20`);
    await expect(figure.locator("canvas")).toBeVisible();
    await expect(panel).toBeVisible();
    await expect(figure).not.toContainText("predicted");
  }
});

test("a run that has ended has no outlook", async ({ page }) => {
  fakeOnly("needs a run that has ended");
  const id = await page.evaluate(
    async () =>
      (await (await fetch("/api/v1/runs?state=succeeded&kind=pretrain&limit=1")).json()).items[0].id as number,
  );
  await page.goto(`/runs/${id}`);
  await expect(page.getByRole("figure", { name: "Loss", exact: true }).locator("canvas")).toBeVisible();
  await expect(page.getByRole("region", { name: "Outlook of this run" })).toHaveCount(0);
});
