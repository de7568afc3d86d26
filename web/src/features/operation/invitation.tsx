import { useMutation } from "@tanstack/react-query";
import { Smartphone } from "lucide-react";
import { Suspense, lazy, useState } from "react";
import { type Schemas, api, data } from "@/api/client";
import { Button } from "@/ui/button";
import { Code } from "@/ui/copy";
import { Waiting } from "@/ui/notice";
import { Panel } from "@/ui/panel";
import { lasting, useNow } from "@/ui/time";

const QrCode = lazy(async () => ({ default: (await import("./qr-code")).QrCode }));

/** Lets another device of one's own in. */
export function Invitation() {
  const now = useNow();
  const making = useMutation({ mutationFn: async () => ({ link: await data(api.POST("/login-link")), at: now }) });
  return (
    <Panel title="Another device">
      <div className="flex flex-col gap-4 text-sm">
        <p className="text-ink-soft">A link lets one browser in, once. Open it on your phone, or scan its code there.</p>
        {making.error && (
          <p role="alert" className="text-bad">
            {making.error.message}
          </p>
        )}
        {making.data && <Link key={making.data.link.link} {...making.data} />}
        <Button className="self-start" busy={making.isPending} onClick={() => making.mutate()}>
          <Smartphone aria-hidden className="size-4" /> {making.data ? "Make another link" : "Make a login link"}
        </Button>
      </div>
    </Panel>
  );
}

function Link({ link: { link, expires_in_seconds }, at }: { link: Schemas["LinkShape"]; at: number }) {
  const left = at + expires_in_seconds * 1_000 - useNow();
  const [{ hostname }] = useState(() => new URL(link));
  const here = isHere(hostname);
  if (left <= 0) return <p role="status">The link is too old now.</p>;
  return (
    <div className="flex flex-col gap-3">
      {!here && (
        <Suspense fallback={<Waiting what="Drawing the link" />}>
          <QrCode text={link} label="The login link, to be scanned" />
        </Suspense>
      )}
      <Code label="Login link" text={link} />
      <p className="text-xs text-ink-soft">Good for {lasting(left)}. Who opens it first is let in, as you.</p>
      {here && (
        <p className="rounded-lg bg-warn-soft px-3 py-2 text-warn">
          The link names this machine as it calls itself ({hostname}); other devices do not find it there, so there is nothing to scan. Start Postroom with <code className="font-mono">POSTROOM_HOST</code>, <code className="font-mono">POSTROOM_PUBLIC_URL</code> and <code className="font-mono">POSTROOM_AGENT_NETWORKS</code> set as docs/operations.md says, “A phone, or another machine”.
        </p>
      )}
    </div>
  );
}

/** Names that mean the machine itself, on each machine. */
const isHere = (hostname: string) => hostname === "localhost" || hostname.endsWith(".localhost") || hostname.startsWith("127.") || hostname === "[::1]";
