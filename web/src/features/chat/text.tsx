import { Component, type ReactNode, Suspense, lazy, useState } from "react";
import { Button } from "@/ui/button";
import { isTooMuch } from "./weight";

// Fetched beside the history that needs it. Without a network on a first visit there are the words without their looks.
const fetching = import("./markdown").catch(() => ({ default: Plain }));
const MarkdownText = lazy(() => fetching);

/** Characters. Longer texts are shown in part until somebody wants all of it. */
const SHORT = 12_000;

/** What was said. */
export function Text({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? text : text.slice(0, SHORT);
  return (
    <>
      <Words text={shown} />
      {shown.length < text.length && (
        <Button look="quiet" onClick={() => setWhole(true)}>
          Show all of it ({Math.ceil(text.length / 1_000)} thousand characters)
        </Button>
      )}
    </>
  );
}

function Words({ text }: { text: string }) {
  if (isTooMuch(text)) return <AsWritten text={text} />;
  return (
    <Readable plain={<AsWritten text={text} />}>
      <Suspense fallback={<Plain text={text} waiting />}>
        <MarkdownText text={text} />
      </Suspense>
    </Readable>
  );
}

function Plain({ text, waiting }: { text: string; waiting?: true }) {
  return (
    <p data-waiting={waiting} className="break-words whitespace-pre-wrap">
      {text}
    </p>
  );
}

function AsWritten({ text }: { text: string }) {
  return (
    <>
      <Plain text={text} />
      <p className="mt-1 text-xs text-ink-soft">Shown as it was written: it is too much to lay out.</p>
    </>
  );
}

/** Text that is too deep for any structure stays text: the chat is not lost for it. */
class Readable extends Component<{ plain: ReactNode; children: ReactNode }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? this.props.plain : this.props.children;
  }
}
