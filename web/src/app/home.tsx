import { Navigate, useSearchParams } from "react-router";
import { ChatList } from "@/features/chat/chat-list";
import { useNarrow } from "@/ui/screen";

/** Phones begin with their chats, as does `/?m=chat`; desks with the team. */
export function Home() {
  const [search] = useSearchParams();
  const narrow = useNarrow();
  return narrow || search.get("m") === "chat" ? <ChatList /> : <Navigate to="/team" replace />;
}
