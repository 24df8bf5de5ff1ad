import { readFile } from "node:fs/promises";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";

export { expect };

export const TOKEN = process.env.ISOFLOP_TOKEN ?? "isf_e2e";

/**
 * Whether the platform is the fake one of server.mjs, as in every run of the tests but one against `ISOFLOP_URL`. A real platform has runs of its own and
 * things that must stay as they are: what is asked of the fake one alone is skipped there, and nowhere else.
 */
export const FAKE = process.env.ISOFLOP_URL === undefined;

/** A signed-in page on which no script may fail. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(`/#token=${TOKEN}`);
    await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
    await use(page);
    expect(problems).toEqual([]);
  },
});

/** For tests that need what only the fake platform certainly has, or would change a real one. */
export function fakeOnly(because: string): void {
  test.skip(!FAKE, because);
}

/** A real platform may lack it, and the test is skipped; the fake one may not. */
function there<T>(found: T | undefined, lacking: string): T {
  if (FAKE) expect(found, lacking).toBeDefined();
  test.skip(found === undefined, lacking);
  return found as T;
}

/** The newest sweep that has a finished run, and that run: found through the API with the session just opened. */
export async function subject(page: Page): Promise<{ sweep: number; run: number; name: string }> {
  const found = await page.evaluate(async () => {
    const read = async (path: string) => (await fetch(`/api/v1${path}`)).json();
    for (const sweep of (await read("/sweeps?limit=50")).items) {
      const runs = (await read(`/runs?sweep=${sweep.id}&state=succeeded&kind=pretrain&limit=50`)).items;
      const fits = await read(`/sweeps/${sweep.id}/fits`);
      if (runs.length && (Array.isArray(fits) ? fits : fits.items).length) {
        return { sweep: sweep.id, run: runs[0].id, name: runs[0].name };
      }
    }
    return undefined;
  });
  return there(found, "the platform has no fitted sweep yet");
}

/** A runner with GPUs if there is one, else any. */
export async function aRunner(page: Page): Promise<number> {
  const found = await page.evaluate(async () => {
    const runners: { id: number; devices: unknown[] }[] = await (await fetch("/api/v1/runners")).json();
    return (runners.find((one) => one.devices.length > 0) ?? runners[0])?.id;
  });
  return there(found, "no runner has ever been connected to this platform");
}

export async function noSeriousFaults(page: Page) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa"]).analyze();
  const serious = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
  expect(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(" | ")}`)).toEqual([]);
}

/** The text of the file that a click saves. */
export async function saved(page: Page, click: () => Promise<void>): Promise<string> {
  const download = page.waitForEvent("download");
  await click();
  return readFile(await (await download).path(), "utf8");
}
