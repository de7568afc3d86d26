import { type ReactNode, useEffect, useState } from "react";
import { live, useConnection } from "@/api/live";
import { isLoggedOut } from "@/api/problem";
import { useSession } from "@/api/session";
import { LoginPage } from "@/features/session/login-page";
import { Away } from "./away";

/** Lets in who is logged in. A session that ends later leaves the page as it is (drafts too) and asks for a login over it. */
export function Gate({ children }: { children: ReactNode }) {
  const { data: caller, error, isPending, refetch } = useSession();
  const why = useLast(error, isPending);
  const stranger = isLoggedOut(why);
  useFeed(caller !== undefined && !stranger, refetch);
  if (caller === undefined) return stranger ? <LoginPage /> : <Away error={why} onRetry={refetch} />;
  return (
    <>
      {children}
      {stranger && <LoginPage over />}
    </>
  );
}

/** An error stays while it is tried again: what is on the screen does not come and go. */
function useLast(error: Error | null, trying: boolean): Error | null {
  const [last, setLast] = useState(error);
  const now = error ?? (trying ? last : null);
  if (now !== last) setLast(now);
  return now;
}

/** The feed runs for those who are let in, and is the first to hear that one is not any more. */
function useFeed(admitted: boolean, ask: () => Promise<unknown>): void {
  const connection = useConnection();
  useEffect(() => {
    if (admitted) live.start();
  }, [admitted]);
  useEffect(() => {
    if (connection === "logged-out") void ask();
  }, [connection, ask]);
}
