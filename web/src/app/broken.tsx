import { MapPinOff } from "lucide-react";
import { useRouteError } from "react-router";
import { Link } from "react-router";
import { Empty, Trouble } from "@/ui/notice";

/** A fault of the page itself. What was written is safe: drafts and the outbox are kept in the browser. */
export function Broken() {
  return (
    <main className="flex h-full items-center justify-center">
      <Trouble error={useRouteError()} onRetry={() => location.reload()} />
    </main>
  );
}

export function NotFound() {
  return (
    <Empty icon={MapPinOff} title="There is nothing at this address">
      <Link className="underline" to="/">
        Go to the team
      </Link>
    </Empty>
  );
}
