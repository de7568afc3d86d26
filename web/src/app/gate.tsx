import { type ReactNode, useEffect } from "react";
import { live, useConnection } from "@/api/live";
import { isLoggedOut } from "@/api/problem";
import { useSession } from "@/api/session";
import { LoginPage } from "@/features/session/login-page";
import { Trouble, Waiting } from "@/ui/notice";

/** Lets in who is logged in. A session that ends later leaves the page as it is (drafts too) and asks for a login over it. */
export function Gate({ children }: { children: ReactNode }) {
  const { data: caller, error, failureCount, refetch } = useSession();
  const stranger = isLoggedOut(error);
  useFeed(caller !== undefined && !stranger, refetch);
  if (caller === undefined && error === null) return <Waiting what={failureCount === 0 ? "Opening the post room" : "The server does not answer. Trying again"} />;
  if (caller === undefined) return stranger ? <LoginPage /> : <Trouble error={error} onRetry={() => void refetch()} />;
  return (
    <>
      {children}
      {stranger && <LoginPage over />}
    </>
  );
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
