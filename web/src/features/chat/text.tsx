import { Component, type ReactNode, Suspense, lazy, useState } from "react";
import { Button } from "@/ui/button";

// Without a network on a first visit there are the words without their looks.
const MarkdownText = lazy(() => import("./markdown").catch(() => ({ default: Plain })));

/** Characters. Longer texts are shown in part until somebody wants all of it. */
const SHORT = 12_000;
/** Characters. A document of this size is text: to look for structure in it would keep the page from moving. */
const STRUCTURED = 40_000;

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
  if (text.length > STRUCTURED) return <Plain text={text} />;
  return (
    <Readable plain={<Plain text={text} />}>
      <Suspense fallback={<Plain text={text} />}>
        <MarkdownText text={text} />
      </Suspense>
    </Readable>
  );
}

function Plain({ text }: { text: string }) {
  return <p className="break-words whitespace-pre-wrap">{text}</p>;
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
