import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import { queries } from "@/api/queries";
import { logOut } from "@/api/session";
import { Badge } from "@/ui/badge";
import { Credentials } from "@/ui/credentials";
import { Trouble, Waiting } from "@/ui/notice";
import { Panel } from "@/ui/panel";
import { deviceOf } from "./device";

/** Milliseconds. The feed is silent about logins. */
const LOOK_AGAIN = 5_000;

const sessionsQuery = queryOptions({ queryKey: ["sessions"], queryFn: () => data(api.GET("/sessions")), staleTime: 0, refetchInterval: LOOK_AGAIN });

/** This browser as everywhere else; another one from afar. */
async function end({ id, current }: { id: string; current: boolean }): Promise<void> {
  if (current) return logOut();
  await data(api.DELETE("/sessions/{id}", { params: { path: { id } } }));
  await queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
}

/** The browsers that are let in. */
export function Sessions() {
  const sessions = useQuery(sessionsQuery);
  const listed = (sessions.data ?? []).map((session) => ({ ...session, name: deviceOf(session.label) }));
  return (
    <Panel title="Browsers">
      {sessions.isPending && <Waiting what="Looking who is let in" />}
      {sessions.error && !sessions.data && <Trouble error={sessions.error} onRetry={() => void sessions.refetch()} />}
      <Credentials
        label="Browsers"
        credentials={listed.sort((one, other) => Number(other.current) - Number(one.current))}
        action="Log out"
        consequence="Its next click asks for a login. What was written there and not sent stays in it."
        onEnd={end}
        mark={({ current }) => current && <Badge look="good">this browser</Badge>}
      />
    </Panel>
  );
}
