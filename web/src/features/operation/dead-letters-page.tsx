import { useSearchParams } from "react-router";
import { titlesOf } from "@/api/names";
import { useWorkspaces } from "@/api/workspaces";
import { Select } from "@/ui/field";
import { Page } from "@/ui/panel";
import { DeadLetters } from "./dead-letters";

/** All dead letters, or those of the workspace that stands in the address. */
export function DeadLettersPage() {
  const { data: all = [] } = useWorkspaces();
  const [search, setSearch] = useSearchParams();
  const workspace = search.get("workspace") ?? "";
  const titles = titlesOf(all);
  const filter = (
    <div className="w-56 max-w-full">
      <Select bare label="Of which agent" value={workspace} onChange={(event) => setSearch(event.target.value ? { workspace: event.target.value } : {}, { replace: true })}>
        <option value="">Of all agents</option>
        {all.map(({ id }) => (
          <option key={id} value={id}>
            {titles.get(id)}
          </option>
        ))}
      </Select>
    </div>
  );
  return (
    <Page title="Dead letters" beside={filter}>
      <DeadLetters key={workspace} workspace={workspace || null} />
    </Page>
  );
}
