import { load, save } from "./drafts";
import { keep, unsendable } from "./files";

/** Where the service worker puts what another application shares (service-worker.js). */
const WAITING = "shared";

/** Puts it into the draft for an agent; why files are not among it. */
export async function takeShared(workspaceId: string): Promise<string[]> {
  const waiting = await caches.open(WAITING);
  const { text, files } = await load(workspaceId);
  const [kept, whys] = [[...files], [] as string[]];
  let said = "";
  for (const place of await waiting.keys()) {
    const shared = await waiting.match(place);
    const name = shared?.headers.get("X-File-Name");
    if (name == null) {
      said = (await shared?.text()) ?? "";
      continue;
    }
    const file = await fileOf(shared, decodeURIComponent(name));
    const why = unsendable(file, kept);
    if (why === null) kept.push(await keep(file));
    else whys.push(why);
  }
  await save(workspaceId, { text: [text, said].filter(Boolean).join("\n"), files: kept });
  await caches.delete(WAITING);
  return whys;
}

async function fileOf(shared: Response | undefined, name: string): Promise<File> {
  const bytes = (await shared?.blob()) ?? new Blob();
  return new File([bytes], name, { type: bytes.type });
}
