import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  Outlet,
  type RouterHistory,
} from "@tanstack/react-router";
import { experimentQuery, ledgerQuery, runnerQuery, runQuery, sweepQuery } from "./api/queries";
import { calculatorSearch } from "./features/calculator/question";
import { ExperimentsPage } from "./features/experiments/ExperimentsPage";
import { LoginPage } from "./features/login/LoginPage";
import { OverviewPage } from "./features/overview/OverviewPage";
import { plannerSearch } from "./features/planner/question";
import { PredictionsPage } from "./features/predictions/PredictionsPage";
import { RunnersPage } from "./features/runners/RunnersPage";
import { RunsPage } from "./features/runs/RunsPage";
import { SchedulesPage } from "./features/schedules/SchedulesPage";
import { SweepsPage } from "./features/sweep/SweepsPage";
import {
  loginSearch,
  parseSearch,
  predictionsSearch,
  runnerSearch,
  runSearch,
  runsSearch,
  stringifySearch,
  sweepSearch,
} from "./lib/urlState";
import { ErrorNotice } from "./ui/parts";
import { Shell } from "./ui/Shell";

const rootRoute = createRootRouteWithContext<{ cache: QueryClient }>()({
  component: Outlet,
  notFoundComponent: () => (
    <p>
      There is no such page. <Link to="/">Overview</Link>
    </p>
  ),
});

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  validateSearch: loginSearch,
  component: LoginPage,
});

const shellRoute = createRoute({ getParentRoute: () => rootRoute, id: "shell", component: Shell });

const overviewRoute = createRoute({ getParentRoute: () => shellRoute, path: "/", component: OverviewPage });

const runsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/runs",
  validateSearch: runsSearch,
  component: RunsPage,
});

const id = {
  parse: ({ id }: { id: string }) => {
    const number = Number(id);
    if (!Number.isInteger(number) || number < 0) throw new Error(`“${id}” is not an id`);
    return { id: number };
  },
  stringify: ({ id }: { id: number }) => ({ id: String(id) }),
};

const runRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/runs/$id",
  params: id,
  validateSearch: runSearch,
  loader: ({ context, params }) => void context.cache.prefetchQuery(runQuery(params.id)),
  component: lazyRouteComponent(() => import("./features/run/RunPage"), "RunPage"),
});

const runnersRoute = createRoute({ getParentRoute: () => shellRoute, path: "/runners", component: RunnersPage });

const runnerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/runners/$id",
  params: id,
  validateSearch: runnerSearch,
  loader: ({ context, params }) => void context.cache.prefetchQuery(runnerQuery(params.id)),
  component: lazyRouteComponent(() => import("./features/runners/RunnerPage"), "RunnerPage"),
});

const schedulesRoute = createRoute({ getParentRoute: () => shellRoute, path: "/schedules", component: SchedulesPage });

const sweepsRoute = createRoute({ getParentRoute: () => shellRoute, path: "/sweeps", component: SweepsPage });

const sweepRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/sweeps/$id",
  params: id,
  validateSearch: sweepSearch,
  loader: ({ context, params }) => void context.cache.prefetchQuery(sweepQuery(params.id)),
  component: lazyRouteComponent(() => import("./features/sweep/SweepPage"), "SweepPage"),
});

const predictionsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/predictions",
  validateSearch: predictionsSearch,
  component: PredictionsPage,
});

const experimentsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/experiments",
  component: ExperimentsPage,
});

const experimentRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/experiments/$id",
  params: id,
  loader: ({ context, params }) => {
    void context.cache.prefetchQuery(experimentQuery(params.id));
    void context.cache.prefetchQuery(ledgerQuery(params.id));
  },
  component: lazyRouteComponent(() => import("./features/experiments/ExperimentPage"), "ExperimentPage"),
});

const calculatorRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/calculator",
  validateSearch: calculatorSearch,
  component: lazyRouteComponent(() => import("./features/calculator/CalculatorPage"), "CalculatorPage"),
});

const plannerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/planner",
  validateSearch: plannerSearch,
  component: lazyRouteComponent(() => import("./features/planner/PlannerPage"), "PlannerPage"),
});

const routeTree = rootRoute.addChildren([
  loginRoute,
  shellRoute.addChildren([
    overviewRoute,
    runsRoute,
    runRoute,
    sweepsRoute,
    sweepRoute,
    experimentsRoute,
    experimentRoute,
    predictionsRoute,
    schedulesRoute,
    runnersRoute,
    runnerRoute,
    calculatorRoute,
    plannerRoute,
  ]),
]);

export function makeRouter(cache: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree,
    context: { cache },
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    defaultErrorComponent: ({ error }) => <ErrorNotice what="This page broke." error={error} />,
    ...(history ? { history } : {}),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
