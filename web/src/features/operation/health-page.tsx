import { useQuery } from "@tanstack/react-query";
import { Badge } from "@/ui/badge";
import { Trouble, Waiting } from "@/ui/notice";
import { Page } from "@/ui/panel";
import { Findings } from "./findings-list";
import { Figures } from "./figures";
import { healthQuery } from "./health";
import { Loops, Mailboxes, Pools, Servers } from "./health-tables";

/** How the post room is doing, while one looks. */
export function HealthPage() {
  const { data: health, error, refetch } = useQuery(healthQuery);
  const beside = health && <Badge>version {health.details.version}</Badge>;
  return (
    <Page title="Health" beside={beside}>
      {!health && (error ? <Trouble error={error} onRetry={() => void refetch()} /> : <Waiting what="Asking the server" />)}
      {health && (
        <>
          {error ? <Old why={error.message} /> : <Findings health={health} />}
          <Figures health={health} />
          <Mailboxes health={health} />
          <Loops health={health} />
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <Pools health={health} />
            <Servers health={health} />
          </div>
        </>
      )}
    </Page>
  );
}

/** In the place of what is wrong or well: that was known, and is not known any more. */
function Old({ why }: { why: string }) {
  return (
    <p role="alert" className="rounded-lg bg-warn-soft px-4 py-2 text-sm text-warn">
      {why} How it is doing is not known; what stands below is from before that. It is asked for again by itself.
    </p>
  );
}
