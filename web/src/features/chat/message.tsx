import { useMutation } from "@tanstack/react-query";
import { memo, useMemo } from "react";
import { cancelTask } from "@/api/a2a";
import { useConnection } from "@/api/live";
import { type Outgoing } from "@/api/kept";
import { outbox, stageOf } from "@/api/outbox";
import { Button } from "@/ui/button";
import { Code, Copy } from "@/ui/copy";
import { TimeOfDay } from "@/ui/time";
import { complain } from "@/ui/toast";
import { Bubble } from "./bubble";
import { type Entry, hasEnded } from "./entry";
import { KeptFiles, SentFiles } from "./file-view";
import { filesOf } from "./files";
import { inWords } from "./preview";
import { again } from "./sending";
import { Standing } from "./standing";
import { Text } from "./text";
import { type Step, grown } from "./trail";

/** Where a message stands, and under which name. */
export interface Speaker {
  right: boolean;
  /** Above what is said; null where that is plain. */
  name: string | null;
  /** The same of what came back for it. */
  answerer?: string | null;
  /** For those who do not see where it stands, when no name says it. */
  label?: string;
}

interface EntryProps {
  entry: Entry;
  /** Where it may be cancelled and replayed; null where one only reads. */
  workspaceId: string | null;
}

interface MessageProps extends EntryProps, Speaker {
  steps: readonly Step[];
  /** What it answers, where that is not what stands before it. */
  asked: Entry | null;
  onJump: (to: Entry) => void;
}

/** A message that the server has, and what its agent tells while it works on it. */
export const EntryMessage = memo(function EntryMessage({ entry, steps, right, name, answerer = null, label, asked, onJump, workspaceId }: MessageProps) {
  return (
    <article data-message-id={entry.id} data-seq={entry.seq} data-state={entry.state ?? "said"} aria-label={`${label ?? name ?? "You"}, message ${entry.seq}`}>
      <Bubble mine={right} name={name} foot={<Foot entry={entry} workspaceId={workspaceId} />}>
        {asked && <Asked entry={asked} onJump={onJump} />}
        {entry.content && <Text text={entry.content} />}
        <SentFiles files={filesOf(entry)} />
        <Data parts={entry.parts} />
      </Bubble>
      {entry.answer && <Answer answer={entry.answer} right={!right} name={answerer} />}
      {entry.state === "handed" && <Working entry={entry} steps={steps} />}
    </article>
  );
});

function Asked({ entry, onJump }: { entry: Entry; onJump: (to: Entry) => void }) {
  return (
    <button type="button" data-asked onClick={() => onJump(entry)} className="flex max-w-full items-center pb-1 text-left text-xs text-ink-soft hover:text-ink pointer-coarse:-my-2 pointer-coarse:min-h-11">
      <span className="sr-only">In answer to </span>
      <span className="line-clamp-1 border-l-2 border-accent pl-2 break-all">{inWords(entry.content.slice(0, 200)) || filesOf(entry)[0]?.name}</span>
    </button>
  );
}

/** What came back for what this agent asked, where it was asked. */
function Answer({ answer, right, name }: Speaker & { answer: NonNullable<Entry["answer"]> }) {
  return (
    <div data-answer={answer.id}>
      <Bubble mine={right} name={name} foot={<Answered {...answer} />}>
        {answer.content && <Text text={answer.content} />}
        <SentFiles files={filesOf(answer)} />
        <Data parts={answer.parts} />
      </Bubble>
    </div>
  );
}

function Time({ at }: { at: string }) {
  return (
    <span className="text-xs text-ink-soft">
      <TimeOfDay at={at} />
    </span>
  );
}

function Foot({ entry, workspaceId }: EntryProps) {
  if (entry.state === null) return <Answered {...entry} />;
  return (
    <Standing state={entry.state} words={wordsOf(entry)} reason={entry.state === "cancelled" ? null : (entry.error?.detail ?? null)} since={entry.state === "handed" ? entry.handed_at : null}>
      {workspaceId !== null && !hasEnded(entry) && !entry.cancel_requested && <Cancel entry={entry} workspaceId={workspaceId} />}
      {workspaceId !== null && (entry.state === "failed" || entry.state === "expired") && (
        <Button look="quiet" size="small" onClick={() => void again(workspaceId, entry).catch(complain)}>
          Replay
        </Button>
      )}
      <Time at={entry.timestamp} />
    </Standing>
  );
}

/** Below an answer: answers are what one takes elsewhere. */
function Answered({ content, timestamp }: Pick<Entry, "content" | "timestamp">) {
  return (
    <span className="inline-flex items-center pl-1">
      <Time at={timestamp} />
      {content && <Copy text={content} label="Copy the message" className="-my-3 text-ink-soft" />}
    </span>
  );
}

/** What is neither text nor file: as it is. */
function Data({ parts }: Pick<Entry, "parts">) {
  return parts.filter((part) => "data" in part).map(({ data }, number) => <Code key={number} text={JSON.stringify(data, null, 2)} label="Data" />);
}

/** How it is with the post that tells an end: it asks for nothing but to be read. */
const READING: Readonly<Record<string, string>> = { accepted: "Not read yet", handed: "Being read", replied: "Read" };

function wordsOf({ state, cancel_requested, attempt, report }: Entry): string | undefined {
  if (report !== null && state !== null) return READING[state];
  if (cancel_requested && (state === "handed" || state === "accepted")) return "Cancelling";
  if (state === "handed" && attempt !== null && attempt > 1) return `Being worked on, attempt ${attempt}`;
  return undefined;
}

function Cancel({ entry, workspaceId }: { entry: Entry; workspaceId: string }) {
  const { mutate, isPending } = useMutation({ mutationFn: () => cancelTask(workspaceId, entry.task_id), onError: complain });
  return (
    <Button look="quiet" size="small" busy={isPending} onClick={() => mutate()}>
      Cancel
    </Button>
  );
}

/** The answer as far as it is written, and how it goes. */
function Working({ entry: { progress }, steps }: { entry: Entry; steps: readonly Step[] }) {
  const { answer, word } = useMemo(() => grown(steps), [steps]);
  // Until the earlier steps are there, the newest one has to do.
  const words = steps.length > 0 ? word : progress?.status || progress?.text;
  if (!answer && !words) return null;
  return (
    <Bubble mine={false} name={null}>
      {answer && (
        <div data-streaming>
          <Text text={answer} />
        </div>
      )}
      {words && <p className="break-words whitespace-pre-wrap text-ink-soft">{words}</p>}
    </Bubble>
  );
}

interface OutgoingProps {
  message: Outgoing;
  onEdit?: ((message: Outgoing) => void) | undefined;
}

/** A message of this browser that the history does not show yet. */
export function OutgoingMessage({ message, onEdit }: OutgoingProps) {
  const stage = stageOf(message);
  return (
    <article data-key={message.key} data-message-id={message.messageId ?? undefined} data-state={stage} aria-label="You, on its way">
      <Bubble mine name={null} foot={<OutgoingFoot message={message} onEdit={onEdit} />}>
        {message.text && <Text text={message.text} />}
        <KeptFiles files={message.files} />
      </Bubble>
    </article>
  );
}

function OutgoingFoot({ message, onEdit }: OutgoingProps) {
  const stage = stageOf(message);
  const connected = useConnection() === "live";
  return (
    <Standing state={stage} words={stage === "waiting" && !connected ? "Goes out when there is a connection" : undefined} reason={message.refusal}>
      {stage === "waiting" && !message.left && (
        <Button look="quiet" size="small" onClick={() => onEdit?.(message)}>
          Take back
        </Button>
      )}
      {stage === "refused" && (
        <>
          <Button look="quiet" size="small" onClick={() => void outbox.change(message, { refusal: null }).catch(complain)}>
            Send again
          </Button>
          <Button look="quiet" size="small" onClick={() => onEdit?.(message)}>
            Edit
          </Button>
          <Button look="quiet" size="small" onClick={() => void outbox.drop([message]).catch(complain)}>
            Discard
          </Button>
        </>
      )}
    </Standing>
  );
}
