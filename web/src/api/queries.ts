import { QueryClient } from "@tanstack/react-query";
import { passes } from "./problem";

/** The one cache. What is in it is kept fresh by the feed (live.ts), so nothing is asked for again by the clock. */
export const queries = new QueryClient({
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
