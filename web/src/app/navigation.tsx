import { Activity, BookOpen, EllipsisVertical, KeyRound, LogOut, MailX, MessageSquare, Moon, Network, Search, Sun, SunMoon } from "lucide-react";
import type { ReactNode } from "react";
import { Link, NavLink, useMatch, useNavigate } from "react-router";
import { useUnreadTotal } from "@/api/chats";
import { useDeadLetterTotal } from "@/api/dead-letters";
import { logOut } from "@/api/session";
import { NotifyMe } from "@/features/chat/notifications";
import { Badge, Unread } from "@/ui/badge";
import { IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Menu, type MenuGroups } from "@/ui/menu";
import { complain } from "@/ui/toast";
import { ConnectionState } from "./connection";
import { type Theme, useTheme } from "./theme";

export const PLACES = [
  { to: "/talk", label: "Chats", icon: MessageSquare },
  { to: "/team", label: "Team", icon: Network },
  { to: "/operate/dead-letters", label: "Dead letters", icon: MailX },
  { to: "/operate/health", label: "Health", icon: Activity },
  { to: "/operate/access", label: "Access", icon: KeyRound },
] as const;

const THEMES: readonly { theme: Theme; label: string; icon: typeof Sun }[] = [
  { theme: "light", label: "Light", icon: Sun },
  { theme: "dark", label: "Dark", icon: Moon },
  { theme: "system", label: "As the system", icon: SunMoon },
];

const APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** What waits for somebody at a place, by its address. */
function useWaiting(): Readonly<Record<string, number>> {
  return { "/talk": useUnreadTotal(), "/operate/dead-letters": useDeadLetterTotal() };
}

/** What else there is: the places that have no room of their own, and what is done to the page itself. */
export function useMore(places: readonly (typeof PLACES)[number][] = []): MenuGroups {
  const navigate = useNavigate();
  const waiting = useWaiting();
  const [chosen, choose] = useTheme();
  return [
    places.map(({ to, label, icon }) => ({ label: waiting[to] ? `${label} (${waiting[to]})` : label, icon, onSelect: () => void navigate(to) })),
    THEMES.map(({ theme, label, icon }) => ({ label, icon, onSelect: () => choose(theme), chosen: theme === chosen })),
    [
      { label: "The API", icon: BookOpen, onSelect: () => void window.open("/docs", "_blank", "noopener") },
      { label: "Log out", icon: LogOut, onSelect: () => void logOut().catch(complain) },
    ],
  ].filter((group) => group.length > 0);
}

interface Props {
  onSearch: () => void;
}

/** The side bar of a desk; `children` are the chats. */
export function Side({ onSearch, children }: Props & { children: ReactNode }) {
  const more = useMore(PLACES.slice(2));
  const waiting = useWaiting();
  return (
    <aside className="flex w-72 shrink-0 flex-col border-r border-line bg-surface">
      <div className="flex items-center gap-2.5 py-2 pt-3 pr-2 pl-4">
        <Link to="/team" className="flex min-w-0 flex-1 items-center gap-2 font-semibold">
          <img src="/icon.svg" alt="" className="size-6" /> Postroom
        </Link>
        <ConnectionState />
        <Menu groups={more}>
          <IconButton label="More">
            <EllipsisVertical aria-hidden className="size-4" />
          </IconButton>
        </Menu>
      </div>
      <button type="button" onClick={onSearch} className="mx-3 mb-2 flex min-h-9 items-center gap-2 rounded-lg border border-line bg-canvas px-3 text-sm text-ink-soft hover:bg-raised">
        <Search aria-hidden className="size-4" /> <span className="flex-1 truncate text-left">Find agents, words</span>
        <kbd className="font-mono text-xs whitespace-nowrap">{APPLE ? "⌘" : "Ctrl"} K</kbd>
      </button>
      <nav aria-label="Places" className="flex flex-col px-2">
        {PLACES.slice(1).map(({ to, label, icon: Icon }) => (
          <NavLink key={to} to={to} className={({ isActive }) => classes("flex min-h-9 items-center gap-2.5 rounded-lg px-2.5 text-sm", isActive ? "bg-accent-soft font-medium" : "hover:bg-raised")}>
            <Icon aria-hidden className="size-4" /> <span className="flex-1">{label}</span>
            {waiting[to] ? <Badge look="bad">{waiting[to]}</Badge> : null}
          </NavLink>
        ))}
      </nav>
      <div className="flex min-h-11 items-center justify-between pt-2 pr-2 pl-4">
        <h2 className="text-xs font-medium text-ink-soft">Chats</h2>
        <NotifyMe small />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">{children}</div>
    </aside>
  );
}

/** The bar at the bottom of a phone. */
export function Bottom({ onSearch }: Props) {
  const more = useMore(PLACES.slice(2));
  const waiting = useWaiting();
  const dead = waiting["/operate/dead-letters"] ?? 0;
  // A phone begins with its chats.
  const atHome = useMatch("/") !== null;
  const look = "flex min-h-14 flex-1 flex-col items-center justify-center gap-0.5 text-xs";
  return (
    <nav aria-label="Places" className="flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)]">
      {PLACES.slice(0, 2).map(({ to, label, icon: Icon }) => (
        <NavLink key={to} to={to} className={({ isActive }) => classes(look, isActive || (atHome && to === "/talk") ? "font-semibold text-accent" : "text-ink-soft")}>
          <span className="relative">
            <Icon aria-hidden className="size-5" />
            <span className="absolute -top-2 left-3">
              <Unread count={waiting[to] ?? 0} />
            </span>
          </span>
          {label}
        </NavLink>
      ))}
      <button type="button" onClick={onSearch} className={classes(look, "text-ink-soft")}>
        <Search aria-hidden className="size-5" /> Find
      </button>
      <Menu groups={more}>
        <button type="button" className={classes(look, "text-ink-soft")}>
          <span className="relative">
            <EllipsisVertical aria-hidden className="size-5" />
            {dead > 0 && <span aria-hidden className="absolute -top-1 left-3.5 size-2.5 rounded-full bg-bad" />}
          </span>
          <span>More{dead > 0 && <span className="sr-only"> (there are dead letters)</span>}</span>
        </button>
      </Menu>
    </nav>
  );
}
