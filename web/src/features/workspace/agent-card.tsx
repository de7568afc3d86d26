import type { Workspace } from "@/api/workspaces";
import { Badge } from "@/ui/badge";
import { Code } from "@/ui/copy";
import { Fact, Facts, Panel } from "@/ui/panel";
import { type Skill, readCard } from "./card";

/** What the agent says about itself. */
export function AgentCard({ workspace: { agent_card: given } }: { workspace: Workspace }) {
  if (given === null) {
    return (
      <Panel title="Agent card">
        <p className="text-sm text-ink-soft">No agent has come in yet. When one does, it brings its card: what it is, and what it can do.</p>
      </Panel>
    );
  }
  const card = readCard(given);
  return (
    <Panel title="Agent card" beside={card.version !== null && <Badge>version {card.version}</Badge>}>
      <div className="flex flex-col gap-4">
        {card.description !== null && <p className="text-sm break-words">{card.description}</p>}
        <Skills skills={card.skills} />
        <Facts>
          {card.name !== null && <Fact name="Calls itself">{card.name}</Fact>}
          {card.provider !== null && <Fact name="Made by">{card.provider}</Fact>}
          {card.capabilities.length > 0 && <Fact name="Capabilities">{card.capabilities.join(", ")}</Fact>}
          {card.takes.length > 0 && <Fact name="Takes">{card.takes.join(", ")}</Fact>}
        </Facts>
        <details className="text-sm">
          <summary className="cursor-pointer py-1 text-ink-soft">The card as it was given</summary>
          <div className="mt-2">
            <Code label="Agent card" text={JSON.stringify(given, null, 2)} />
          </div>
        </details>
      </div>
    </Panel>
  );
}

function Skills({ skills }: { skills: readonly Skill[] }) {
  if (skills.length === 0) return null;
  return (
    <ul aria-label="Skills" className="flex flex-col gap-2">
      {skills.map(({ id, name, description, tags, examples }, number) => (
        <li key={`${id} ${number}`} className="rounded-lg bg-raised px-3 py-2 text-sm break-words">
          <p className="flex flex-wrap items-center gap-1.5 font-medium">
            {name}
            {tags.map((tag, place) => (
              <span key={`${tag} ${place}`} className="rounded-full border border-line px-1.5 text-xs font-normal text-ink-soft">
                {tag}
              </span>
            ))}
          </p>
          {description !== null && <p className="mt-0.5 text-ink-soft">{description}</p>}
          {examples.length > 0 && <p className="mt-1 text-xs text-ink-soft">For example: {examples.map((one) => `“${one}”`).join(", ")}</p>}
        </li>
      ))}
    </ul>
  );
}
