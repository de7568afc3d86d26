import { MessagesSquare } from "lucide-react";
import type { ReactNode } from "react";
import type { Workspace } from "@/api/workspaces";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import type { History, Shown } from "./history";

/** What the two views of a conversation have. */
export interface View {
  workspace: Workspace;
  history: History;
  shown: Shown;
}

export function isBlank({ window, outgoing }: Shown): boolean {
  return window.entries.length + outgoing.length === 0;
}

/** Until there is something to show: why there is not. */
export function Blank({ history, shown, children }: Omit<View, "workspace"> & { children: ReactNode }) {
  return (
    <div className="flex flex-1 flex-col justify-center overflow-y-auto">
      {shown.error !== null && <Trouble error={shown.error} onRetry={() => history.catchUp()} />}
      {shown.error === null && shown.waiting && <Waiting what="Fetching what was said" />}
      {shown.error === null && !shown.waiting && (
        <Empty icon={MessagesSquare} title="Nothing was said yet">
          {children}
        </Empty>
      )}
    </div>
  );
}
