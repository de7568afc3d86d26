import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { isLoggedOut, passes } from "./problem";

/** The one cache. What is in it is kept fresh by the feed (live.ts), so nothing is asked for again by the clock. */
export const queries = new QueryClient({
  queryCache: new QueryCache({ onError: (error, query) => noticeLogout(error, query.queryKey[0]) }),
  mutationCache: new MutationCache({ onError: (error, _given, _context, mutation) => noticeLogout(error, mutation.options.mutationKey?.[0]) }),
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      networkMode: "always",
      retry: (count, error) => passes(error) && count < 3,
    },
    mutations: { networkMode: "always" },
  },
});

/** Any call may be the first to hear that the session has ended: then it is asked for, and the login shown. */
function noticeLogout(error: unknown, asked: unknown): void {
  if (isLoggedOut(error) && asked !== "session") void queries.invalidateQueries({ queryKey: ["session"] });
}
