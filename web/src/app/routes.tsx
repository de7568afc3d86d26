import { createBrowserRouter } from "react-router";
import { ChatList } from "@/features/chat/chat-list";
import { Waiting } from "@/ui/notice";
import { Broken, NotFound } from "./broken";
import { Outdating } from "./connection";
import { Gate } from "./gate";
import { Home } from "./home";
import { Shell } from "./shell";

// What is not on the first screen is fetched when it is first opened.
export const router = createBrowserRouter([
  {
    element: (
      <Gate>
        <Outdating>
          <Shell />
        </Outdating>
      </Gate>
    ),
    errorElement: <Broken />,
    hydrateFallbackElement: <Waiting what="Opening the post room" />,
    children: [
      { path: "/", element: <Home /> },
      { path: "/talk", element: <ChatList /> },
      { path: "/team", lazy: async () => ({ Component: (await import("@/features/team/team-page")).TeamPage }) },
      { path: "/w/:id/:tab?", lazy: async () => ({ Component: (await import("./workspace-page")).WorkspacePage }) },
      { path: "/operate/health", lazy: async () => ({ Component: (await import("@/features/operation/health-page")).HealthPage }) },
      { path: "/operate/dead-letters", lazy: async () => ({ Component: (await import("@/features/operation/dead-letters-page")).DeadLettersPage }) },
      { path: "/operate/access", lazy: async () => ({ Component: (await import("@/features/operation/access-page")).AccessPage }) },
      { path: "*", element: <NotFound /> },
    ],
  },
]);
