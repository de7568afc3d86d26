import type { Workspace } from "@/api/workspaces";
import { Sheet } from "@/ui/panel";
import { Pausing } from "./pausing";
import { Removal } from "./removal";
import { SettingsForm } from "./settings-form";

export function SettingsPane({ workspace }: { workspace: Workspace }) {
  return (
    <Sheet>
      <SettingsForm workspace={workspace} />
      <Pausing workspace={workspace} />
      <Removal workspace={workspace} />
    </Sheet>
  );
}
