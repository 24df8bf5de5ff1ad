import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, whenUnauthenticated } from "./api/client";
import { startLive } from "./api/live";
import { takeToken } from "./features/login/token";
import { makeRouter } from "./router";
import { applyTheme } from "./ui/theme";
import "./ui/tokens.css";

applyTheme();

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < 2,
    },
  },
});
startLive(cache);
const router = makeRouter(cache);

whenUnauthenticated(() => {
  const { pathname, href } = router.state.location;
  if (pathname !== "/login") router.navigate({ to: "/login", search: { next: href } });
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
// the token in the address is exchanged before anything asks for data, and is gone from the address by then
takeToken().finally(() =>
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  ),
);
