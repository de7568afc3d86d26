import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";
import { isLoggedOut } from "./problem";
import { queries } from "./queries";

export type Caller = Schemas["CallerShape"];

const CODE = /^#(prl_.+)$/;

/** The code of a login link stands after the #, which browsers send to nobody. It goes from the address bar before anything else happens. */
let code = CODE.exec(location.hash)?.[1] ?? "";
if (code) history.replaceState(history.state, "", location.pathname + location.search);

// A link that is opened where the page is open already differs in what stands after the # alone: browsers load nothing then.
addEventListener("hashchange", () => CODE.test(location.hash) && location.reload());

/** Milliseconds between attempts to hear it, doubled each time. */
const PAUSE = { least: 500, most: 10_000 };

/** Who the server takes this browser for; its error is a Problem with status 401 for a stranger. It is asked for until somebody answers. */
const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: enter,
  retry: false,
  refetchInterval: ({ state: { data: caller, error, errorUpdateCount: tries } }) =>
    caller === undefined && tries > 0 && !isLoggedOut(error) && Math.min(PAUSE.most, PAUSE.least * 2 ** tries),
  refetchOnWindowFocus: true,
  // The login page looks at it, too, and must not ask again by being shown.
  retryOnMount: false,
});

async function enter(): Promise<Caller> {
  const refused = await trade();
  try {
    return await data(api.GET("/session"));
  } catch (error) {
    throw refused && isLoggedOut(error) ? refused : error;
  }
}

/** A link that was used before is no reason to send away a browser that it had let in: what was wrong with it is only returned. */
async function trade(): Promise<Error | null> {
  if (!code) return null;
  try {
    await data(api.POST("/session", { body: { code } }));
  } catch (error) {
    if (!(error instanceof Error) || !isLoggedOut(error)) throw error;
    code = "";
    return error;
  }
  code = "";
  return null;
}

export function useSession() {
  return useQuery(sessionQuery);
}

/** Logs in with the code that was pasted; the drafts and unsent messages of this browser stay. */
export function useLogin() {
  return useMutation({
    mutationKey: ["session"],
    mutationFn: async (given: string) => {
      code = given;
      await queries.query({ ...sessionQuery, staleTime: 0 });
    },
  });
}

/** Stands in the address of the page to which one logs out. */
const LEFT = "left";

export const hasLeft = () => new URLSearchParams(location.search).has(LEFT);

export async function logOut(): Promise<void> {
  await data(api.DELETE("/session"));
  location.assign(`/?${LEFT}=1`);
}
