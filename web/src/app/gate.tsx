import { type ReactNode, useEffect } from "react";
import { useConnection } from "@/api/live";
import { isLoggedOut } from "@/api/problem";
import { useSession } from "@/api/session";
import { LoginPage } from "@/features/session/login-page";
import { Trouble, Waiting } from "@/ui/notice";

/** Lets in who is logged in. A session that ends later leaves the page as it is (drafts too) and asks for a login over it. */
export function Gate({ children }: { children: ReactNode }) {
  const session = useSession();
  const connection = useConnection();
  const { refetch } = session;
  useEffect(() => {
    if (connection === "logged-out") void refetch();
  }, [connection, refetch]);
  const stranger = isLoggedOut(session.error) || location.hash.length > 1;
  if (session.isPending && !stranger) return <Waiting what="Opening the post room" />;
  if (stranger && !session.data) return <LoginPage />;
  if (session.error && !session.data) return <Trouble error={session.error} onRetry={() => void refetch()} />;
  return (
    <>
      {children}
      {stranger && <LoginPage over />}
    </>
  );
}
