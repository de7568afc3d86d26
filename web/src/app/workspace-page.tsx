import { useMutation } from "@tanstack/react-query";
import { ArrowLeft, UserX } from "lucide-react";
import { type ComponentType, Suspense, lazy, useEffect, useRef } from "react";
import { Link, NavLink, useParams } from "react-router";
import { type Workspace, pauseWorkspace, useWorkspace, useWorkspaces } from "@/api/workspaces";
import { ChatPane } from "@/features/chat/chat-pane";
import { Avatar } from "@/ui/avatar";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { Status } from "@/ui/status";
import { complain } from "@/ui/toast";
import { ConnectionState } from "./connection";

interface Tab {
  name: string;
  label: string;
  pane: ComponentType<{ workspace: Workspace }>;
}

const TABS: readonly Tab[] = [
  { name: "chat", label: "Chat", pane: ({ workspace }) => <ChatPane workspace={workspace} view="people" /> },
  { name: "traffic", label: "Traffic", pane: ({ workspace }) => <ChatPane workspace={workspace} view="agents" /> },
  { name: "overview", label: "Overview", pane: lazy(async () => ({ default: (await import("@/features/workspace/overview-pane")).OverviewPane })) },
  { name: "delegations", label: "Delegations", pane: lazy(async () => ({ default: (await import("@/features/workspace/delegations-pane")).DelegationsPane })) },
  { name: "activity", label: "Activity", pane: lazy(async () => ({ default: (await import("@/features/workspace/activity-pane")).ActivityPane })) },
  { name: "dead-letters", label: "Dead letters", pane: lazy(async () => ({ default: (await import("@/features/operation/dead-letters-pane")).DeadLettersPane })) },
  { name: "settings", label: "Settings", pane: lazy(async () => ({ default: (await import("@/features/workspace/settings-pane")).SettingsPane })) },
];

/** One agent: its chat, and all there is to know about it. */
export function WorkspacePage() {
  const { id = "", tab = "chat" } = useParams();
  const all = useWorkspaces();
  const workspace = useWorkspace(id);
  const shown = TABS.find((one) => one.name === tab) ?? TABS[0];
  if (all.error && !all.data) return <Trouble error={all.error} onRetry={() => void all.refetch()} />;
  if (all.isPending) return <Waiting what="Looking for the agent" />;
  if (!workspace || !shown) return <Gone />;
  const Pane = shown.pane;
  return (
    <>
      <Head workspace={workspace} shown={shown.name} />
      {shown.name === "chat" && workspace.status === "paused" && <Paused workspace={workspace} />}
      <Suspense fallback={<Waiting what="One moment" />}>
        {/* Another agent is another pane: nothing of one stays in the other's. */}
        <Pane key={`${id}/${shown.name}`} workspace={workspace} />
      </Suspense>
    </>
  );
}

function Head({ workspace: { id, name, role, status, sample_error }, shown }: { workspace: Workspace; shown: string }) {
  const tabs = useRef<HTMLElement>(null);
  // They do not all fit on a phone.
  useEffect(() => {
    // Newer browsers answer with a promise, which an effect must not return: React would take it for its end.
    tabs.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [shown]);
  return (
    <header className="border-b border-line bg-surface">
      <div className="flex items-center gap-3 px-3 pt-2.5 writing:pb-2 md:px-5">
        <Link to="/talk" aria-label="Back to the chats" className="-ml-1 flex size-11 items-center justify-center rounded-lg hover:bg-raised md:hidden">
          <ArrowLeft aria-hidden className="size-5" />
        </Link>
        <Avatar name={name} />
        <div className="min-w-0 flex-1">
          <h1 className="truncate font-semibold">{name}</h1>
          <p className="flex items-center gap-2 text-xs text-ink-soft">
            <Status status={status} why={sample_error} /> <span className="truncate">{role}</span>
          </p>
        </div>
        <span className="md:hidden">
          <ConnectionState />
        </span>
      </div>
      <nav ref={tabs} aria-label="Views of this agent" className="flex gap-1 overflow-x-auto px-2 writing:hidden md:px-4">
        {TABS.map((tab) => (
          <NavLink
            key={tab.name}
            to={tab.name === "chat" ? `/w/${id}` : `/w/${id}/${tab.name}`}
            end
            replace
            className={({ isActive }) => classes("border-b-2 px-3 py-2 text-sm whitespace-nowrap pointer-coarse:py-3", isActive ? "border-accent font-medium" : "border-transparent text-ink-soft hover:text-ink")}
          >
            {tab.label}
          </NavLink>
        ))}
      </nav>
    </header>
  );
}

/** Why nothing comes. */
function Paused({ workspace: { id, name } }: { workspace: Workspace }) {
  const { mutate, isPending } = useMutation({ mutationFn: () => pauseWorkspace(id, false), onError: complain });
  return (
    <div className="flex items-center justify-between gap-3 bg-warn-soft px-4 py-1.5 text-sm text-warn md:px-5">
      <span>{name} is paused: its post is kept and waits.</span>
      <Button busy={isPending} onClick={() => mutate()}>
        Resume
      </Button>
    </div>
  );
}

function Gone() {
  return (
    <Empty icon={UserX} title="There is no such agent">
      <p>It was removed, or it never was.</p>
      <Link className="underline" to="/team">
        Go to the team
      </Link>
    </Empty>
  );
}
