import { LogOut } from "lucide-react";
import { logOut } from "@/api/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/panel";
import { complain } from "@/ui/toast";
import { AllTokens } from "./all-tokens";
import { Invitation } from "./invitation";
import { Sessions } from "./sessions";

/** Who is let in: people's browsers, and agents with their tokens. */
export function AccessPage() {
  const beside = (
    <Button onClick={() => void logOut().catch(complain)}>
      <LogOut aria-hidden className="size-4" /> Log out
    </Button>
  );
  return (
    <Page title="Access" beside={beside}>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Sessions />
        <Invitation />
      </div>
      <AllTokens />
    </Page>
  );
}
