import { MessagesSquare } from "lucide-react";
import { type MouseEvent, type ReactNode, useRef } from "react";
import { Link, NavLink, useNavigate, useSearchParams } from "react-router";
import { type Chat, useChats } from "@/api/chats";
import type { Outgoing } from "@/api/kept";
import { live } from "@/api/live";
import { stageOf, useOutbox } from "@/api/outbox";
import { queries } from "@/api/queries";
import { useSession } from "@/api/session";
import { type Workspace, useWorkspaces } from "@/api/workspaces";
import { Avatar } from "@/ui/avatar";
import { Unread } from "@/ui/badge";
import { classes } from "@/ui/classes";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { Status } from "@/ui/status";
import { Moment } from "@/ui/time";
import { complain } from "@/ui/toast";
import { NotifyMe } from "./notifications";
import { inWords } from "./preview";
import { PullMark, usePull } from "./pull";
import { takeShared } from "./shared";
import { StateIcon } from "./standing";

/** Every agent with its last word: in the side bar of a desk, and the first screen of a phone. */
export function ChatList({ inSide = false }: { inSide?: boolean }) {
  const workspaces = useWorkspaces();
  const chats = useChats();
  const error = workspaces.error ?? chats.error;
  if (error && !workspaces.data) return <Trouble error={error} onRetry={() => void Promise.all([workspaces.refetch(), chats.refetch()])} />;
  if (!workspaces.data) return <Waiting what="Fetching the chats" />;
  if (workspaces.data.length === 0) return inSide ? null : <NobodyYet />;
  const list = <Lines workspaces={workspaces.data} chats={chats.data ?? []} inSide={inSide} />;
  return inSide ? list : <Screen>{list}</Screen>;
}

function Screen({ children }: { children: ReactNode }) {
  const scroller = useRef<HTMLDivElement>(null);
  const pull = usePull("top", scroller, catchUp);
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <PullMark pull={pull} edge="top" />
      <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto">
        <header className="flex items-center gap-2 px-4.5 pt-4 pb-1">
          <h1 className="flex-1 text-xl font-semibold">Chats</h1>
          <NotifyMe />
        </header>
        {useSharing() && <p className="mx-4 my-2 rounded-lg bg-accent-soft px-3 py-2 text-sm">Choose who gets what you shared. You can still change it before you send it.</p>}
        <div className="px-2 pb-4">{children}</div>
      </div>
    </div>
  );
}

function catchUp(): void {
  live.start();
  void queries.invalidateQueries();
}

/** Whether something that another application shared waits for a chat. */
function useSharing(): boolean {
  return useSearchParams()[0].get("shared") === "1";
}

/** Puts it into the draft first, then goes where it was to go. */
function useTakeShared() {
  const sharing = useSharing();
  const navigate = useNavigate();
  return (event: MouseEvent, workspaceId: string) => {
    if (!sharing) return;
    event.preventDefault();
    const go = async () => {
      for (const why of await takeShared(workspaceId)) complain(new Error(why));
      await navigate(`/w/${workspaceId}`, { replace: true });
    };
    void go().catch(complain);
  };
}

function Lines({ workspaces, chats, inSide }: { workspaces: readonly Workspace[]; chats: readonly Chat[]; inSide: boolean }) {
  const outbox = useOutbox();
  const byId = new Map(chats.map((chat) => [chat.workspace_id, chat]));
  const last = ({ id }: Workspace) => byId.get(id)?.last_message?.timestamp ?? "";
  const sorted = workspaces.toSorted((one, other) => last(other).localeCompare(last(one)) || one.name.localeCompare(other.name));
  return (
    <ul aria-label="Chats">
      {sorted.map((workspace) => (
        <li key={workspace.id}>
          <Line workspace={workspace} chat={byId.get(workspace.id)} sending={outbox.findLast((one) => one.workspaceId === workspace.id)} small={inSide} />
        </li>
      ))}
    </ul>
  );
}

interface LineProps {
  workspace: Workspace;
  chat: Chat | undefined;
  /** The newest that has not left this browser for certain. */
  sending: Outgoing | undefined;
  small: boolean;
}

function Line({ workspace: { id, name, role, status }, chat, sending, small }: LineProps) {
  const last = chat?.last_message;
  const takeShared = useTakeShared();
  return (
    <NavLink
      to={`/w/${id}`}
      onClick={(event) => takeShared(event, id)}
      data-workspace-id={id}
      className={({ isActive }) => classes("flex items-center gap-3 rounded-xl px-2.5", small ? "py-1.5" : "min-h-16 py-2", isActive ? "bg-accent-soft" : "hover:bg-raised")}
    >
      <Avatar name={name} small={small} />
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="flex items-baseline gap-2">
          <span className={classes("min-w-0 truncate", small ? "text-sm" : "font-medium", (chat?.unread ?? 0) > 0 && "font-semibold")}>{name}</span>
          <Status status={status} quiet />
          <span className="ml-auto shrink-0 text-xs text-ink-soft">{last && <Moment at={last.timestamp} />}</span>
        </span>
        <span className="flex items-center gap-2 text-xs text-ink-soft">
          <span className="flex min-w-0 flex-1 items-center gap-1">
            <Preview chat={chat} sending={sending} role={role} />
          </span>
          <Unread count={chat?.unread ?? 0} />
        </span>
      </span>
    </NavLink>
  );
}

function Preview({ chat, sending, role }: { chat: Chat | undefined; sending: Outgoing | undefined; role: string | null }) {
  const { data: me } = useSession();
  const last = chat?.last_message;
  if (sending) {
    return (
      <>
        <StateIcon state={stageOf(sending)} />
        <span className="truncate">You: {sending.text || sending.files[0]?.name}</span>
      </>
    );
  }
  if (!last) return <span className="truncate">{role ?? "Nothing was said yet"}</span>;
  const who = last.sender.id === me?.id ? "You: " : last.role === "user" ? `${last.sender.name}: ` : "";
  return (
    <>
      {last.state !== null && <StateIcon state={last.state} />}
      <span className="truncate">
        {who}
        {last.preview === null ? "Something without words" : inWords(last.preview)}
      </span>
    </>
  );
}

function NobodyYet() {
  return (
    <Empty icon={MessagesSquare} title="There is nobody to talk to yet">
      <p>Add an agent to your team, and its chat is here.</p>
      <Link className="underline" to="/team">
        Go to the team
      </Link>
    </Empty>
  );
}
