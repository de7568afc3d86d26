import { queryOptions } from "@tanstack/react-query";
import { type Schemas, api, data } from "@/api/client";

export type Details = Schemas["DetailsShape"];
export type Vital = Schemas["HealthShape"];

export interface Health {
  details: Details;
  /** What the server says to anybody; it alone knows which loops are late. */
  vital: Vital;
}

/** Milliseconds. */
const LOOK_AGAIN = 3_000;

/** Asked for again and again while somebody looks: numbers are not in the feed. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async (): Promise<Health> => {
    const [details, vital] = await Promise.all([data(api.GET("/health/details")), data(api.GET("/health"))]);
    return { details, vital };
  },
  refetchInterval: LOOK_AGAIN,
  staleTime: 0,
  retry: false,
});
