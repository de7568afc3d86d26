import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { request } from "./client";
import { queries } from "./queries";

type Preferences = Readonly<Record<string, unknown>>;

/** As React's own setters: a value, or what makes one of what is kept now. */
type Set<T> = (next: T | ((now: T) => T)) => void;

const preferencesQuery = queryOptions({
  queryKey: ["preferences"],
  queryFn: async () => (await (await request("/session/preferences")).json()) as Preferences,
});

/** Something that this person wants kept, on every device. Undefined while it is not known. `otherwise` has to be the same every time. */
export function usePreference<T>(name: string, otherwise: T): readonly [T | undefined, Set<T>] {
  const { data: all } = useQuery(preferencesQuery);
  const { mutate } = useMutation({
    mutationFn: (value: T) => request(`/session/preferences/${name}`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) }),
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
