import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, data } from "./client";
import { passes } from "./problem";
import { queries } from "./queries";

type Preferences = Readonly<Record<string, unknown>>;

/** As React's own setters: a value, or what makes one of what is kept now. */
type Set<T> = (next: T | ((now: T) => T)) => void;

const preferencesQuery = queryOptions({
  queryKey: ["preferences"],
  queryFn: async (): Promise<Preferences> => ({ ...(await data(api.GET("/session/preferences"))), ...underWay() }),
});

/** What is being kept just now: an answer may be from before it. */
function underWay(): Preferences {
  const writes = queries.getMutationCache().findAll({ mutationKey: ["preferences"], status: "pending" });
  return Object.fromEntries(writes.map(({ options, state }) => [String(options.mutationKey?.[1]), state.variables]));
}

/** Something that this person wants kept, on every device. Undefined while it is not known. `otherwise` has to be the same every time. */
export function usePreference<T>(name: string, otherwise: T): readonly [T | undefined, Set<T>] {
  const { data: all } = useQuery(preferencesQuery);
  const { mutate } = useMutation({
    mutationKey: ["preferences", name],
    mutationFn: (value: T) => data(api.PUT("/session/preferences/{name}", { params: { path: { name } }, body: value })),
    // One after the other: the last one stays.
    scope: { id: `preference ${name}` },
    retry: (count, error) => passes(error) && count < 3,
    // What could not be kept is not shown as if it were, and an answer that is under way may be from before this.
    onSettled: () => void queries.invalidateQueries(preferencesQuery),
    onMutate: (value) => queries.setQueryData<Preferences>(preferencesQuery.queryKey, (now) => ({ ...now, [name]: value })),
  });
  const set = useCallback<Set<T>>(
    (next) => {
      const now = (queries.getQueryData(preferencesQuery.queryKey)?.[name] as T | undefined) ?? otherwise;
      mutate(next instanceof Function ? next(now) : next);
    },
    [name, otherwise, mutate],
  );
  return [all && ((all[name] as T | undefined) ?? otherwise), set];
}
