// @vitest-environment node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";

const web = join(import.meta.dirname, "..", "..");

it("theGeneratedTypesAreThoseOfTheApisDescription", async () => {
  const description = JSON.parse(readFileSync(join(web, "..", "docs", "openapi.json"), "utf8"));
  const generated = COMMENT_HEADER + astToString(await openapiTS(description));
  const committed = readFileSync(join(web, "src", "api", "schema.d.ts"), "utf8");
  expect(committed === generated, "src/api/schema.d.ts is not what docs/openapi.json gives: run npm run api").toBe(
    true,
  );
});
