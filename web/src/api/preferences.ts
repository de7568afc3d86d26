import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { request } from "./client";
import { queries } from "./queries";

type Preferences = Readonly<Record<string, unknown>>;

const preferencesQuery = queryOptions({
  queryKey: ["preferences"],
  queryFn: async () => (await (await request("/session/preferences")).json()) as Preferences,
});

/** Something that this person wants kept, on every device. Undefined while it is not known. */
export function usePreference<T>(name: string, otherwise: T): readonly [T | undefined, (value: T) => void] {
  const { data: all } = useQuery(preferencesQuery);
  const { mutate } = useMutation({
    mutationFn: (value: T) => request(`/session/preferences/${name}`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) }),
    onMutate: (value) => queries.setQueryData<Preferences>(preferencesQuery.queryKey, (now) => ({ ...now, [name]: value })),
  });
  return [all && ((all[name] as T | undefined) ?? otherwise), mutate];
}
