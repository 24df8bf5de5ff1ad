import { aRunner, expect, FAKE, fakeOnly, noSeriousFaults, subject, TOKEN, test } from "./support";

test("the token leaves the address and a session is open", async ({ page }) => {
  expect(page.url()).not.toContain("token");
  await page.reload();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

test("without a session every page leads to the sign-in and back", async ({ page, context }) => {
  await context.clearCookies();
  await page.goto("/runs?sort=name");
  await expect(page.getByLabel("API token")).toBeVisible();
  await noSeriousFaults(page);
  await page.getByLabel("API token").fill("isf_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("API token").fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/runs\?sort=name/);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`no page has a serious accessibility fault in ${colorScheme}`, async ({ page }) => {
    test.setTimeout(180_000); // it looks at every page
    const { sweep, run } = await subject(page);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [path, ready] of [
      ["/", "Recent sweeps"],
      ["/experiments", "Experiments"],
      ["/experiments/1", "Where its FLOPs went"],
      ["/sweeps", "Sweeps"],
      ["/runs", "Runs"],
      [`/runs/${run}`, "Loss"],
      [`/runs/${run}?tab=profile`, "Where the time goes"],
      ...(FAKE ? ([["/runs/300?tab=profile", "Operations of a step"]] as const) : []),
      [`/runs/${run}?tab=config`, "training"],
      [`/runs/${run}?tab=attempts`, "Attempts"],
      [`/runs/${run}?tab=artifacts`, "Step"],
      ["/predictions", "Predictions"],
      ["/schedules", "Schedules"],
      ["/runners", "Runners"],
      [`/runners/${await aRunner(page)}`, /./],
      [`/sweeps/${sweep}`, "Loss against model size"],
      [`/sweeps/${sweep}?method=parametric`, "Loss against model size"],
    ] as const) {
      await page.goto(path);
      await expect(page.getByRole("heading", { name: ready }).first()).toBeVisible();
      await page.waitForTimeout(300);
      await test.step(path, () => noSeriousFaults(page));
    }
  });
}

test("the theme toggle wins over the system and is remembered", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: /^Theme: system/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  await expect(page.getByRole("button", { name: /^Theme: dark/ })).toBeVisible();
  expect(await ground()).not.toBe(light);
  await page.reload();
  await expect(page.getByRole("button", { name: /^Theme: dark/ })).toBeVisible();
});

test("progress of running runs arrives by itself", async ({ page }) => {
  fakeOnly("needs a run under way");
  await page.goto("/");
  const bar = page.getByRole("region", { name: "Active runs" }).getByRole("progressbar").first();
  const before = Number(await bar.getAttribute("aria-valuenow"));
  await expect(async () => expect(Number(await bar.getAttribute("aria-valuenow"))).toBeGreaterThan(before)).toPass();
  await expect(page.getByRole("status")).toContainText("live");
});
