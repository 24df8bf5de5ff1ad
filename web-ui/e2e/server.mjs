/**
 * A stand-in for the platform's REST API, for tests of the dashboard alone: same paths, pages, ETags, event stream and
 * errors, over the data of fixtures.mjs. It listens on loopback only.
 */
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { answerTo, CATALOGUE } from "./accounting.mjs";
import { comparisonOf, exponentsOf, methodsOf, predict, targetOf } from "./answers.mjs";
import { ensureDataset, isReady, pollDataset } from "./datasets.mjs";
import { ledgerOf, setBudget } from "./experiments.mjs";
import { deviceSeriesOf, GPU_METRICS, METRICS, makeWorld, seriesOf } from "./fixtures.mjs";
import { withGrown } from "./grown.mjs";
import { addRuns, settle } from "./growth.mjs";
import { nextOf } from "./next.mjs";
import { outlookOf } from "./outlook.mjs";
import { planOf } from "./plans.mjs";
import { listOf, summaryOf } from "./predictions.mjs";
import { profileOf } from "./profile.mjs";
import { attemptsOf, checkpointsOf, detailOf, eventsOf, logsOf } from "./runs.mjs";
import { actOn, add } from "./schedules.mjs";

export const TOKEN = "isf_e2e";

function bucketed(points, maxPoints) {
  const columns = { steps: [], times: [], last: [], min: [], max: [] };
  const size = Math.max(1, Math.ceil(points.length / maxPoints));
  for (let from = 0; from < points.length; from += size) {
    const bucket = points.slice(from, from + size);
    const values = bucket.map((point) => point.value);
    const last = bucket[bucket.length - 1];
    columns.steps.push(last.step);
    columns.times.push(Math.round(last.time));
    columns.last.push(last.value);
    columns.min.push(Math.min(...values));
    columns.max.push(Math.max(...values));
  }
  return { reduced: size > 1, points: points.length, ...columns };
}

function page(items, query, fallback = 50) {
  const limit = Math.min(Number(query.get("limit") ?? fallback), 200);
  const from = Number(query.get("after") ?? 0);
  const end = from + limit;
  return { items: items.slice(from, end), ...(end < items.length ? { next: String(end) } : {}) };
}

function filtered(runs, query) {
  const states = query.getAll("state");
  const sort = query.get("sort");
  const found = runs.filter(
    (run) =>
      (!query.has("sweep") || run.sweepId === Number(query.get("sweep"))) &&
      (states.length === 0 || states.includes(run.state)) &&
      (!query.has("kind") || run.kind === query.get("kind")) &&
      (!query.has("q") || run.name.includes(query.get("q"))),
  );
  if (!sort) return found.sort((a, b) => b.id - a.id);
  const name = sort.replace(/^-/, "");
  const sign = sort.startsWith("-") ? -1 : 1;
  return found.sort((a, b) => {
    if (a[name] === b[name]) return a.id - b.id;
    if (a[name] === undefined) return 1;
    if (b[name] === undefined) return -1;
    return sign * (a[name] < b[name] ? -1 : 1);
  });
}

export function startServer(port, { world = withGrown(makeWorld(Date.now())), open = false } = {}) {
  const sessions = new Set();
  const server = createServer((request, response) => {
    tell(world);
    const url = new URL(request.url, "http://localhost");
    const path = url.pathname.replace(/^\/api\/v1/, "");
    const query = url.searchParams;
    const send = (status, body, headers = {}) => {
      response.writeHead(status, {
        "Content-Type": status >= 400 ? "application/problem+json" : "application/json",
        ...headers,
      });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const problem = (status, code, detail) =>
      send(status, { type: `/problems/${code}`, title: code, status, code, detail });
    const refuse = (status, code, detail, fault) =>
      send(status, { type: `/problems/${code}`, title: code, status, code, detail, errors: [fault] });
    const cookie = /isoflop_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const read = () =>
      new Promise((resolve) => {
        let text = "";
        request.on("data", (chunk) => {
          text += chunk;
        });
        request.on("end", () => resolve(text ? JSON.parse(text) : undefined));
      });

    if (path === "/session" && request.method === "POST") {
      read().then((body) => {
        if (body?.token !== TOKEN) return problem(401, "unauthenticated", "This token is not known.");
        const id = Math.random().toString(36).slice(2);
        sessions.add(id);
        send(204, undefined, { "Set-Cookie": `isoflop_session=${id}; HttpOnly; SameSite=Strict; Path=/` });
      });
      return;
    }
    if (!open && !sessions.has(cookie)) return problem(401, "unauthenticated", "Sign in first.");
    if (path === "/session" && request.method === "DELETE") {
      sessions.delete(cookie);
      return send(204);
    }
    if (path === "/session") return send(200, { scope: "admin", name: "e2e" });
    if (path === "/stream") return stream(request, response, world, query.get("topics")?.split(",") ?? []);
    if (path === "/overview") return send(200, overview(world));
    if (path === "/runners") return send(200, world.runners);
    if (path === "/schedules" && request.method === "POST") {
      read().then((body) => send(201, add(world.schedules, body)));
      return;
    }
    if (path === "/schedules") return send(200, page(world.schedules, query));
    if (path === "/accounting" && request.method === "GET") return send(200, CATALOGUE);
    if (path === "/accounting") {
      read().then((question) => {
        const { answer, fault, detail } = answerTo(question);
        if (answer) return send(200, answer);
        refuse(400, "invalid-request", detail, fault);
      });
      return;
    }
    if (path === "/plans") {
      read().then((body) => {
        const made = planOf(body);
        if (made.plan) return send(200, made.plan);
        refuse(400, "invalid-request", "No plan.", made.fault);
      });
      return;
    }
    if (path === "/datasets" && request.method === "POST") {
      read().then((spec) => {
        const { made, dataset } = ensureDataset(world, spec);
        send(made ? 201 : 200, dataset);
      });
      return;
    }
    if (path === "/sweeps" && request.method === "POST") {
      read().then((spec) => {
        if (!isReady(world, spec.dataset)) return problem(409, "dataset-not-ready", "Its dataset is being prepared.");
        world.submitted = spec;
        send(201, world.sweeps[0]);
      });
      return;
    }
    if (path === "/pools") return send(200, world.pools);
    if (path === "/predictions") return send(200, page(listOf(world.predictions, query), query));
    if (path === "/predictions/summary") return send(200, summaryOf(world.predictions, query));
    if (path === "/experiments") return send(200, page(world.experiments, query));
    if (path === "/sweeps") return send(200, page(world.sweeps, query));
    if (path === "/runs") return send(200, page(filtered([...world.runs], query), query));

    const [, kind, idText, part, leaf] = path.split("/");
    const id = Number(idText);
    if (kind === "datasets") {
      const dataset = pollDataset(world, idText);
      return dataset ? send(200, dataset) : problem(404, "not-found", `There is no dataset ${idText}.`);
    }
    if (kind === "runners") {
      const runner = world.runners.find((one) => one.id === id);
      if (runner && part === "set-aside" && request.method === "DELETE") {
        delete runner.setAside;
        return send(204);
      }
      if (!runner) return problem(404, "not-found", `There is no runner ${id}.`);
      if (part === undefined) return send(200, runner);
      if (part === "devices") {
        const from = Date.parse(query.get("from"));
        return send(200, deviceSeriesOf(Number(leaf), from, Date.now(), Number(query.get("maxPoints") ?? 1000)));
      }
    }
    if (kind === "schedules") {
      const schedule = world.schedules.find((one) => one.id === id);
      if (schedule && part === undefined) {
        read().then((body) => {
          if (request.headers["if-match"] !== `"${schedule.version}"`) {
            return problem(412, "etag-mismatch", "The schedule has changed since. Look at it again.");
          }
          if (request.method === "PUT")
            return send(200, Object.assign(schedule, body, { version: schedule.version + 1 }));
          world.schedules.splice(world.schedules.indexOf(schedule), 1);
          send(204);
        });
        return;
      }
      const answer = schedule && actOn(schedule, part);
      return answer ? send(answer.status, answer.body) : problem(404, "not-found", `There is no schedule ${id}.`);
    }
    if (kind === "fits") {
      const all = [...world.fits.values()].flat();
      const fit = all.find((one) => one.id === id);
      if (!fit) return problem(404, "not-found", `There is no fit ${id}.`);
      const asked = (name) => (query.has(name) ? Number(query.get(name)) : undefined);
      if (part === "methods") return send(200, methodsOf(world.fits.get(fit.sweepId), fit, asked("target")));
      if (part === "profile") return send(200, exponentsOf(fit));
      if (part === "optimum") return send(200, targetOf(fit, asked("flops")));
      if (part === "comparison") {
        const other = all.find((one) => one.id === asked("with"));
        return send(200, comparisonOf(fit, other, asked("target")));
      }
      if (part === "next-runs") {
        const sweep = world.sweeps.find((one) => one.id === fit.sweepId);
        read().then((question) => {
          const { next, fault } = nextOf(fit, sweep, question);
          if (next) return send(200, next);
          refuse(400, "invalid-request", "The question cannot be answered.", fault);
        });
        return;
      }
      if (part === "predictions") {
        read().then((body) => send(201, predict(world, fit, body)));
        return;
      }
    }
    if (kind === "experiments") {
      const experiment = world.experiments.find((one) => one.id === id);
      if (!experiment) return problem(404, "not-found", `There is no experiment ${id}.`);
      if (part === "ledger") return send(200, ledgerOf(experiment, world.sweeps, world.runs));
      if (part === undefined) return send(200, experiment, { ETag: `"${experiment.version}"` });
      if (part === "budget") {
        read().then((body) => {
          if (request.headers["if-match"] !== `"${experiment.version}"`) {
            return problem(412, "etag-mismatch", "The experiment has changed since. Look at it again.");
          }
          send(200, setBudget(experiment, body));
        });
        return;
      }
    }
    if (kind === "sweeps") {
      const sweep = world.sweeps.find((one) => one.id === id);
      if (!sweep) return problem(404, "not-found", `There is no sweep ${id}.`);
      const fits = world.fits.get(id) ?? [];
      if (part === undefined) return send(200, sweep, { ETag: `"${sweep.version}-${sweep.doneFlops}"` });
      if (part === "fits" && request.method === "GET") return send(200, fits);
      if (part === "runs") {
        const key = request.headers["idempotency-key"];
        if (!key) return problem(400, "idempotency-key-missing", "Send an Idempotency-Key.");
        const predictFrom = query.has("predictFrom") ? Number(query.get("predictFrom")) : undefined;
        read().then((addition) => {
          const { sweep: grown, fault } = addRuns(world, sweep, addition, { key, predictFrom });
          if (grown) return send(201, grown);
          refuse(422, "invalid-sweep", "The addition cannot be trained.", fault);
        });
        return;
      }
      if (part === "fits") {
        read().then((body) => {
          if (fits.length === 0) return problem(422, "incomparable-runs", "Too few runs have ended to fit anything.");
          const base = fits
            .filter((fit) => !body.method || fit.method === body.method)
            .filter((fit) => fit.options.countEmbeddings === (body.countEmbeddings ?? true))
            .slice(0, 2);
          const made = base.map((fit, i) => ({
            ...fit,
            id: Math.max(...fits.map((one) => one.id)) + 1 + i,
            excluded: (body.exclude ?? []).map((one) => ({
              runId: one.runId,
              reason: `excluded: ${one.reason}`,
              name: world.runs.find((run) => run.id === one.runId)?.name ?? "",
            })),
            createdAt: new Date().toISOString(),
          }));
          world.fits.set(id, [...made, ...fits]);
          send(201, made);
        });
        return;
      }
      if (part === "export.csv") {
        response.writeHead(200, {
          "Content-Type": "text/csv",
          "Content-Disposition": `attachment; filename="${sweep.name}.csv"`,
        });
        const mine = world.runs.filter((run) => run.sweepId === id);
        return response.end(`name,flops,loss\n${mine.map((r) => `${r.name},${r.flops},${r.finalLoss}`).join("\n")}\n`);
      }
    }
    if (kind === "runs") {
      const run = world.runs.find((one) => one.id === id);
      if (!run) return problem(404, "not-found", `There is no run ${id}.`);
      if (part === undefined) return send(200, detailOf(run), { ETag: `"${run.version}-${run.step}"` });
      if (part === "cancellation" || part === "release") {
        const tag = request.headers["if-match"];
        if (!tag) return problem(428, "if-match-missing", "Send If-Match.");
        if (Number.parseInt(tag.slice(1), 10) !== run.version)
          return problem(412, "etag-mismatch", "The run has changed.");
        run.state = part === "release" ? "queued" : "cancelled";
        delete run.failure;
        run.version += 1;
        return send(200, run);
      }
      if (part === "metrics" && leaf === undefined) {
        return send(
          200,
          run.step === 0
            ? []
            : (run.pool === "gpu" ? GPU_METRICS : METRICS).map((metric) => ({
                metric,
                lastStep: run.step,
                count: run.step,
                nonfinite: 0,
              })),
        );
      }
      if (part === "metrics") {
        const points = seriesOf(run, query.get("name"));
        if (!points) return problem(404, "not-found", "There is no such metric.");
        const from = Number(query.get("from") ?? 0);
        const to = Number(query.get("to") ?? Number.MAX_SAFE_INTEGER);
        const cut = points.filter((point) => point.step >= from && point.step <= to);
        const middle = Math.floor(run.steps * 0.4);
        const segments =
          run.attempt > 1
            ? [
                { attempt: 1, fromStep: 0, toStep: middle },
                { attempt: 2, fromStep: middle, toStep: run.step },
              ]
            : [{ attempt: 1, fromStep: 0, toStep: run.step }];
        return send(200, {
          metric: query.get("name"),
          ...bucketed(cut, Number(query.get("maxPoints") ?? 1000)),
          segments,
        });
      }
      if (part === "outlook") return send(200, outlookOf(run, query, seriesOf(run, "train/loss")));
      if (part === "profile") {
        const told = profileOf(run);
        return told ? send(200, told) : problem(404, "not-found", `Run ${id} has no profile (yet).`);
      }
      if (part === "logs") return send(200, page(logsOf(run), query, 200));
      if (part === "attempts") return send(200, attemptsOf(run));
      if (part === "events") return send(200, eventsOf(run));
      if (part === "checkpoints") return send(200, checkpointsOf(run));
    }
    problem(404, "not-found", `Nothing at ${path}.`);
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

function overview(world) {
  const counts = {};
  for (const run of world.runs) counts[run.state] = (counts[run.state] ?? 0) + 1;
  const active = world.runs.filter((run) => run.state === "running");
  return {
    runs: counts,
    runnersOnline: world.runners.length,
    slots: 2,
    busySlots: active.length,
    tokensPerSecond: active.reduce((sum, run) => sum + (run.tokensPerSecond ?? 0), 0),
    flopsDone: world.sweeps.reduce((sum, sweep) => sum + sweep.doneFlops, 0),
    metricPoints: 1_284_220,
    recentSweeps: world.sweeps,
    activeRuns: active,
  };
}

/** Share of a run that is done, finer than its steps. */
const progress = new WeakMap();

/** Progress of the running runs, twice a second, until the tab closes. */
function stream(request, response, world, topics) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.write(": open\n\n");
  world.listeners ??= new Set();
  world.listeners.add(response);
  const timer = setInterval(() => {
    tell(world);
    const moving = world.runs.filter((run) => run.state === "running" && run.steps > 0);
    for (const run of moving) {
      // ever slower, so that none arrives however long the tests take
      const share = progress.get(run) ?? run.step / run.steps;
      progress.set(run, share + (0.99 - share) / 300);
      run.step = Math.max(run.step, Math.floor(progress.get(run) * run.steps));
      run.doneTokens = run.step * run.tokensPerStep;
    }
    const data = moving.map(({ id, sweepId, step, doneTokens, trainLoss, tokensPerSecond }) => ({
      runId: id,
      sweepId,
      step,
      doneTokens,
      trainLoss,
      tokensPerSecond,
    }));
    if (topics.length) response.write(`event: progress\ndata: ${JSON.stringify(data)}\n\n`);
  }, 500);
  request.on("close", () => {
    clearInterval(timer);
    world.listeners.delete(response);
  });
}

/** Ends what is due, and tells every open tab. */
function tell(world) {
  for (const [event, data] of settle(world)) {
    for (const listener of world.listeners ?? []) listener.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await startServer(Number(process.argv[2] ?? 8809));
}
