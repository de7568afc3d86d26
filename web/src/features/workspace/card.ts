/** What of an agent card is shown. Cards are written by strangers: whatever is not as A2A has it is left out. */
export interface Card {
  name: string | null;
  description: string | null;
  version: string | null;
  provider: string | null;
  skills: readonly Skill[];
  capabilities: readonly string[];
  takes: readonly string[];
}

export interface Skill {
  id: string;
  name: string;
  description: string | null;
  tags: readonly string[];
  examples: readonly string[];
}

type Loose = Readonly<Record<string, unknown>>;

const CAPABILITIES: Readonly<Record<string, string>> = {
  streaming: "streams its answers",
  pushNotifications: "calls back",
  stateTransitionHistory: "keeps the history of states",
  extendedAgentCard: "has a longer card",
};

export function readCard(given: Loose): Card {
  return {
    name: text(given.name),
    description: text(given.description),
    version: text(given.version),
    provider: text(loose(given.provider).organization),
    skills: list(given.skills).map(readSkill),
    capabilities: Object.entries(loose(given.capabilities)).flatMap(([name, has]) => (has === true ? [CAPABILITIES[name] ?? name] : [])),
    takes: texts(given.defaultInputModes),
  };
}

function readSkill(given: unknown, number: number): Skill {
  const skill = loose(given);
  const id = text(skill.id) ?? `skill ${number + 1}`;
  return { id, name: text(skill.name) ?? id, description: text(skill.description), tags: texts(skill.tags), examples: texts(skill.examples) };
}

const text = (value: unknown) => (typeof value === "string" && value.trim() ? value : null);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown) => list(value).flatMap((one) => text(one) ?? []);
const loose = (value: unknown) => (typeof value === "object" && value !== null ? (value as Loose) : {});
