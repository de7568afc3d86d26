import { Bell } from "lucide-react";
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { useUnreadTotal } from "@/api/chats";
import { type Frame, live } from "@/api/live";
import { queries } from "@/api/queries";
import { type Workspace, workspacesQuery } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { attentive } from "./attention";
import { inWords } from "./preview";

/** Browsers have notifications for pages only over https and on the own machine. */
const CAN_NOTIFY = "Notification" in globalThis;

/** Asks the browser for notifications, once, because somebody pressed it. */
export function NotifyMe({ small = false }: { small?: boolean }) {
  const [permission, setPermission] = useState(CAN_NOTIFY ? Notification.permission : "denied");
  if (permission !== "default") return null;
  return (
    <Button look="quiet" size={small ? "small" : "usual"} className={classes(small && "text-ink-soft")} onClick={() => void Notification.requestPermission().then(setPermission)}>
      <Bell aria-hidden className={small ? "size-3.5" : "size-4"} /> Notify me
    </Button>
  );
}

/** What is new is in the title of the page, and a notification when nobody looks at it. */
export function Watch(): null {
  const unread = useUnreadTotal();
  useEffect(() => live.onFrame(notify), []);
  useOpened();
  useEffect(() => {
    document.title = unread > 0 ? `(${unread > 99 ? "99+" : unread}) Postroom` : "Postroom";
    // On the icon of the installed page; a browser may refuse it, as to a page that is not installed.
    if ("setAppBadge" in navigator) void navigator.setAppBadge(unread).catch(() => undefined);
  }, [unread]);
  return null;
}

/** Goes where a notification that was pressed leads. */
function useOpened(): void {
  const navigate = useNavigate();
  useEffect(() => {
    if (!("serviceWorker" in navigator)) return;
    const { serviceWorker } = navigator;
    const hear = ({ data }: MessageEvent<{ go: string }>) => void navigate(data.go);
    serviceWorker.addEventListener("message", hear);
    return () => serviceWorker.removeEventListener("message", hear);
  }, [navigate]);
}

/** Answers to people and notices; what agents tell each other has a peer. */
function notify({ event, workspace_id, payload }: Frame): void {
  const forPeople = event === "notice.posted" || (event === "message.replied" && !payload.peer_id);
  if (!forPeople || attentive() || !CAN_NOTIFY || Notification.permission !== "granted") return;
  const name = queries.getQueryData<Workspace[]>(workspacesQuery.queryKey)?.find(({ id }) => id === workspace_id)?.name;
  // Several tabs say the same under the same tag: it is shown once.
  const options = { body: inWords((payload.preview as string | undefined) ?? ""), tag: payload.message_id ?? workspace_id, icon: "/icon-192.png", data: { path: `/w/${workspace_id}` } };
  void navigator.serviceWorker.ready.then((worker) => worker.showNotification(name ?? "Postroom", options));
}
