import { useState } from "react";
import { Outlet, useMatch } from "react-router";
import { useConnection } from "@/api/live";
import { ChatList } from "@/features/chat/chat-list";
import { Watch } from "@/features/chat/notifications";
import { useNarrow } from "@/ui/screen";
import { ConnectionBar } from "./connection";
import { Bottom, Side } from "./navigation";
import { Palette } from "./palette";

/** The frame around every screen: a side bar with the chats on a desk; on a phone one screen at a time, with a bar below. */
export function Shell() {
  const narrow = useNarrow();
  const connection = useConnection();
  const inWorkspace = useMatch("/w/:id/*") !== null;
  const [paletteOpen, setPaletteOpen] = useState(false);
  return (
    <div data-connection={connection} className="flex h-[var(--seen,100dvh)] flex-col pt-[env(safe-area-inset-top)] pr-[env(safe-area-inset-right)] pl-[env(safe-area-inset-left)]">
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-surface focus:p-3">
        Skip to the content
      </a>
      <Watch />
      <ConnectionBar always={narrow && !inWorkspace} />
      <div className="flex min-h-0 flex-1">
        {!narrow && (
          <Side onSearch={() => setPaletteOpen(true)}>
            <ChatList inSide />
          </Side>
        )}
        <main id="content" key={narrow ? "narrow" : "wide"} tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
          <Outlet />
        </main>
      </div>
      {narrow && !inWorkspace && <Bottom onSearch={() => setPaletteOpen(true)} />}
      <Palette open={paletteOpen} onOpen={setPaletteOpen} />
    </div>
  );
}
