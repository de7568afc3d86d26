import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";
import { queries } from "./queries";

export type Caller = Schemas["CallerShape"];

/** Who the server takes this browser for; its error is a Problem with status 401 for a stranger. */
export const sessionQuery = queryOptions({ queryKey: ["session"], queryFn: () => data(api.GET("/session")) });

export function useSession() {
  return useQuery(sessionQuery);
}

export async function logIn(code: string): Promise<void> {
  await data(api.POST("/session", { body: { code } }));
  await queries.invalidateQueries();
}

/** Drafts and unsent messages stay: they are of this browser, and whoever logs in next here is its owner. */
export async function logOut(): Promise<void> {
  await data(api.DELETE("/session"));
  queries.clear();
  location.assign("/");
}
