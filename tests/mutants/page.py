"""Seeded bugs of the page that people talk on: what is sent, what is shown of a conversation, what is kept in a browser."""

from tests.mutants.seed import Seed

_API = "web/src/api"
_CHATS = "web/src/features/chat"
_SENDING = "tests/web/test_sending.py"
_CHAT = "tests/web/test_chat.py"
_FILES = "tests/web/test_files.py"
_HISTORY = "tests/web/test_long_history.py::test_a_long_history_is_scrolled_both_ways_and_keeps_its_place"
_INJECTION = "tests/web/test_injection.py::test_what_is_said_runs_nothing_and_fetches_nothing"

_OUTBOX = [
    Seed(
        name="L1 a message leaves the browser's outbox with its first byte",
        file=f"{_API}/sender.ts",
        old="    // Somebody took it back while its files went out.\n",
        new="    await outbox.drop([message]);\n",
        tests=(f"{_CHAT}::test_what_is_sent_without_a_network_arrives_once_and_in_order",),
    ),
    Seed(
        name="L1 a message leaves before the browser has kept it",
        file=f"{_API}/outbox.ts",
        old="      await enter([entering]);\n",
        new="""      const { sendMessage } = await import("./a2a");
      await sendMessage(message.workspaceId, { ...made, parts: [{ text: message.text }] });
      await enter([entering]);
""",
        tests=(f"{_SENDING}::test_a_message_is_kept_before_it_leaves_and_has_one_key_until_there_is_an_answer",),
    ),
    Seed(
        name="R12 each attempt of the page has a key of its own",
        file=f"{_API}/a2a.ts",
        old="""{ "Idempotency-Key": key });""",
        new="""{ "Idempotency-Key": crypto.randomUUID() });""",
        tests=(f"{_SENDING}::test_a_message_is_kept_before_it_leaves_and_has_one_key_until_there_is_an_answer",),
    ),
    Seed(
        name="L14 what the server had no time for is not sent again",
        file=f"{_API}/problem.ts",
        old="error.status === 429 || error.status >= 502",
        new="error.status === 429",
        tests=(f"{_SENDING}::test_a_message_is_kept_before_it_leaves_and_has_one_key_until_there_is_an_answer",),
    ),
    Seed(
        name="L14 what nobody answered is not sent again",
        file=f"{_API}/sender.ts",
        old="passes(error) || !(error instanceof Problem) || error.status === TIMEOUT",
        new="(passes(error) && error instanceof Problem) || error instanceof Problem && error.status === TIMEOUT",
        tests=(f"{_SENDING}::test_a_message_is_kept_before_it_leaves_and_has_one_key_until_there_is_an_answer",),
    ),
    Seed(
        name="U19 what the server refuses is sent for ever",
        file=f"{_API}/sender.ts",
        old="    if (comesAgain(error)) return error;\n",
        new="    if (comesAgain(error) || error instanceof Problem) return error;\n",
        tests=(f"{_SENDING}::test_what_is_refused_says_why_holds_nothing_up_and_waits_for_a_word",),
    ),
    Seed(
        name="U19 what was refused is discarded when it is edited",
        file=f"{_CHATS}/talk.tsx",
        old=".then(() => write(both), complain);",
        new=".catch(complain);",
        tests=(f"{_SENDING}::test_what_is_refused_says_why_holds_nothing_up_and_waits_for_a_word",),
    ),
    Seed(
        name="L1 a message is gone from the browser before the history shows it",
        file=f"{_API}/sender.ts",
        old="    if (ready) await outbox.change(ready, {",
        new="    if (ready) void outbox.drop([ready]);\n    if (ready) await outbox.change(ready, {",
        tests=(f"{_SENDING}::test_what_the_server_has_stays_on_the_screen_until_the_history_has_it",),
    ),
    Seed(
        name="P5 the page sends the newest first",
        file=f"{_API}/sender.ts",
        old="  return outbox.messages.find((message)",
        new="  return outbox.messages.findLast((message)",
        tests=(f"{_CHAT}::test_what_is_sent_without_a_network_arrives_once_and_in_order",),
    ),
    Seed(
        name="L1 what could not be kept is not written any more",
        file=f"{_CHATS}/talk.tsx",
        old="      write(draft);\n      complain(error);\n",
        new="      complain(error);\n",
        tests=(f"{_SENDING}::test_what_the_browser_can_not_keep_is_not_sent_and_stays_written",),
    ),
    Seed(
        name="P4 what was sent is still the draft after a reload",
        file=f"{_API}/outbox.ts",
        old="    if (drafted) void",
        new="    if (!drafted) void",
        tests=(f"{_SENDING}::test_a_message_is_kept_before_it_leaves_and_has_one_key_until_there_is_an_answer",),
    ),
    Seed(
        name="L1 a draft is gone with the page",
        file=f"{_CHATS}/drafts.ts",
        old="    void save(workspaceId, now.current ?? BLANK).catch(complain);\n",
        new="",
        tests=(f"{_CHAT}::test_a_draft_stays_through_a_reload_and_a_logout",),
    ),
    Seed(
        name="L28 nobody is told that the session has ended",
        file="web/src/app/gate.tsx",
        old='    if (connection === "logged-out") void ask();\n',
        new="",
        tests=(f"{_CHAT}::test_a_session_that_ends_in_mid_typing_keeps_what_was_written",),
    ),
    Seed(
        name="P4 two tabs send the same at the same time",
        file=f"{_API}/sender.ts",
        old="    return locks === undefined ? act() :",
        new="    return locks !== undefined ? act() :",
        tests=(f"{_CHAT}::test_two_tabs_and_another_device_are_in_step",),
    ),
    Seed(
        name="L36 a tab hears nothing of what is done to the outbox beside it",
        file=f"{_API}/outbox.ts",
        old="    this.#others.postMessage(null);\n",
        new="",
        tests=(f"{_SENDING}::test_what_is_refused_says_why_holds_nothing_up_and_waits_for_a_word",),
    ),
]

_FEED = [
    Seed(
        name="L36 the page's feed begins anew after a cut",
        file=f"{_API}/live.ts",
        old="resume: this.#cursor,",
        new="resume: null,",
        tests=(f"{_CHAT}::test_what_was_said_while_the_network_was_away_is_there_when_it_is_back[the feed goes on]",),
    ),
    Seed(
        name="L12 the page never comes back once its cursor was pruned",
        file=f"{_API}/live.ts",
        old="    if (code === PRUNED || code === BAD_CURSOR) this.#cursor = null;\n",
        new="",
        tests=(f"{_CHAT}::test_what_was_said_while_the_network_was_away_is_there_when_it_is_back[the feed does not reach back]",),
    ),
    Seed(
        name="L12 nothing is read anew when the feed begins anew",
        file=f"{_API}/live.ts",
        old="      if (fresh) for (const refresh of this.#freshers) refresh();\n",
        new="",
        tests=(f"{_CHAT}::test_what_was_said_while_the_network_was_away_is_there_when_it_is_back[the feed does not reach back]",),
    ),
    Seed(
        name="L16 a page whose server is gone says that it is connected",
        file=f"{_API}/live.ts",
        old="    this.#become(state);\n",
        new="""    if (state !== "connecting") this.#become(state);\n""",
        tests=("tests/web/test_shell.py::test_the_connection_is_told_while_the_server_is_killed_and_back",),
    ),
    Seed(
        name="L16 who was online looks so while the server is away",
        file=f"{_API}/live.ts",
        old="""return this.#wasLive && this.#state !== "live";""",
        new="return false;",
        tests=("tests/web/test_shell.py::test_the_connection_is_told_while_the_server_is_killed_and_back",),
    ),
    Seed(
        name="L16 who is online looks as if the server were away until the feed is there",
        file=f"{_API}/live.ts",
        old="""return this.#wasLive && this.#state !== "live";""",
        new="""return this.#state !== "live";""",
        tests=("tests/web/test_shell.py::test_the_connection_is_told_while_the_server_is_killed_and_back",),
    ),
    Seed(
        name="U19 what was asked for while the server was away stays an error",
        file=f"{_API}/fresh.ts",
        old="""  live.watch(() => live.state === "live" && void""",
        new="""  live.watch(() => live.state === "offline" && void""",
        tests=("tests/web/test_shell.py::test_the_connection_is_told_while_the_server_is_killed_and_back",),
    ),
    Seed(
        name="L12 without a network a page gives up a server on its own machine",
        file=f"{_API}/live.ts",
        old="""addEventListener("offline", () => this.#connect());""",
        new="""addEventListener("offline", () => this.#stop("offline"));""",
        tests=(f"{_CHAT}::test_a_server_on_the_same_machine_is_heard_without_a_network",),
    ),
    Seed(
        name="L13 what is sent before the history was read begins a thread of its own",
        file=f"{_CHATS}/talk.tsx",
        old=" ?? chat?.last_message?.thread_id;",
        new=";",
        tests=(f"{_SENDING}::test_what_is_sent_before_the_history_was_read_goes_on_with_what_was_said_last",),
    ),
    Seed(
        name="L16 an open page stays broken after an upgrade",
        file="web/src/main.tsx",
        old="renewWhenReplaced();\n",
        new="",
        tests=("tests/web/test_shell.py::test_a_page_that_the_server_has_no_more_is_loaded_anew",),
    ),
]

_SHOWN = [
    Seed(
        name="P6 what scrolling back draws is told as if it were new",
        file=f"{_CHATS}/heard.tsx",
        old="before === null || before.newer || now.newer",
        new="before === null",
        tests=(_HISTORY,),
    ),
    Seed(
        name="P6 the messages that were let go of at the end of a long history are never there again",
        file=f"{_CHATS}/window.ts",
        old="window.entries.slice(0, MOST / 2), newer: true }",
        new="window.entries.slice(0, MOST / 2) }",
        tests=(_HISTORY,),
    ),
    Seed(
        name="P6 the wrong half of a long history is let go of",
        file=f"{_CHATS}/window.ts",
        old="window.entries.slice(-MOST / 2), older: true }",
        new="window.entries.slice(0, MOST / 2), older: true }",
        tests=(_HISTORY,),
    ),
    Seed(
        name="P5 an older page is put below the newer one",
        file=f"{_CHATS}/window.ts",
        old="entries: [...unknown(window, messages), ...window.entries]",
        new="entries: [...window.entries, ...unknown(window, messages)]",
        tests=(_HISTORY,),
    ),
    Seed(
        name="P6 who reads back loses the place when a page comes",
        file=f"{_CHATS}/history.ts",
        old="withOlder(this.#shown.window, page)), shift: true }",
        new="withOlder(this.#shown.window, page)) }",
        tests=(_HISTORY,),
    ),
    Seed(
        name="U6 a streamed answer is only its last piece",
        file=f"{_CHATS}/trail.ts",
        old="append === false ? text : whole + text",
        new="text",
        tests=(f"{_CHAT}::test_an_answer_is_shown_as_it_is_written",),
    ),
    Seed(
        name="U6 of an answer that is being written a reload leaves the last piece",
        file=f"{_CHATS}/history.ts",
        old="    if (since === undefined) return;\n",
        new="    if (since !== null) return;\n",
        tests=(f"{_CHAT}::test_an_answer_is_shown_as_it_is_written",),
    ),
    Seed(
        name="L13 an answer that comes while the steps before it are read is not fetched",
        file=f"{_CHATS}/history.ts",
        old="""      await this.#recall();
      // Also what came while the steps were read.
      while (this.#behind && !this.#shown.window.newer) {
        await this.#follow();
        await this.#recall();
      }
""",
        new="""      while (this.#behind && !this.#shown.window.newer) await this.#follow();
      await this.#recall();
""",
        tests=(f"{_CHAT}::test_an_answer_that_comes_while_its_beginning_is_read_is_shown",),
    ),
    Seed(
        name="U19 without a network a chat breaks on what it had not fetched yet",
        file=f"{_CHATS}/text.tsx",
        old=".catch(() => ({ default: Plain }));",
        new=";",
        tests=(f"{_CHAT}::test_words_are_shown_though_their_looks_can_not_be_fetched",),
    ),
    Seed(
        name="U8 the page cancels nothing",
        file=f"{_API}/a2a.ts",
        old="""await call(workspaceId, "CancelTask\"""",
        new="""await call(workspaceId, "GetTask\"""",
        tests=(f"{_CHAT}::test_work_is_cancelled",),
    ),
    Seed(
        name="P4 each press sends a failed message once more",
        file=f"{_CHATS}/sending.ts",
        old="""  if (entry.state === "failed" || entry.state === "expired") {""",
        new="""  if (entry.state === "expired") {""",
        tests=(f"{_CHAT}::test_what_failed_says_why_and_is_sent_again_once_whoever_asks",),
    ),
    Seed(
        name="L13 what was seen stays unread",
        file=f"{_CHATS}/read-mark.ts",
        old="if (attention && along && readSeq !== undefined && seen > readSeq) void mark(workspaceId, seen);",
        new="",
        tests=(f"{_CHAT}::test_what_is_new_is_counted_on_every_device_until_it_was_seen_on_one",),
    ),
    Seed(
        name="L13 what one device has seen is unread on the others",
        file=f"{_API}/fresh.ts",
        old="""  "mailbox.": ["chats"],\n""",
        new="",
        tests=(f"{_CHAT}::test_what_is_new_is_counted_on_every_device_until_it_was_seen_on_one",),
    ),
]

_STRANGERS = [
    Seed(
        name="T20 HTML in a message is HTML",
        file=f"{_CHATS}/text.tsx",
        old="      <MarkdownText text={text} />\n",
        new="      <p dangerouslySetInnerHTML={{ __html: text }} />\n",
        tests=(_INJECTION,),
    ),
    Seed(
        name="T20 a link in a message leads anywhere",
        file=f"{_CHATS}/markdown.tsx",
        old="""return SCHEMES.test(url) ? url : "";""",
        new="""return url;""",
        tests=(_INJECTION,),
    ),
    Seed(
        name="T20 a picture in a message is fetched from elsewhere",
        file=f"{_CHATS}/markdown.tsx",
        old="""  img: ({ src, alt }) => <Link href={typeof src === "string" ? src : undefined}>{alt || "Picture"}</Link>,""",
        new="""  img: ({ src, alt }) => <img src={src} alt={alt} />,""",
        tests=(_INJECTION,),
    ),
    Seed(
        name="T20 a file's name may turn the direction of writing",
        file=f"{_CHATS}/files.ts",
        old="""return name.replace(UNSEEN, "").trim() || "file";""",
        new="""return name;""",
        tests=(f"{_FILES}::test_an_evil_name_is_only_a_name[other direction]",),
    ),
    Seed(
        name="L33 the page takes files that the server does not",
        file=f"{_CHATS}/files.ts",
        old="const LARGEST = 25 * MIB;",
        new="const LARGEST = 100 * MIB;",
        tests=(f"{_FILES}::test_what_can_not_be_sent_is_refused_at_once_and_says_why",),
    ),
    Seed(
        name="L33 the page takes more files for a message than the server does",
        file=f"{_CHATS}/files.ts",
        old="beside.reduce((sum, file) => sum + file.size, size)",
        new="beside.reduce((sum) => sum, size)",
        tests=(f"{_FILES}::test_what_can_not_be_sent_is_refused_at_once_and_says_why",),
    ),
    Seed(
        name="L1 a file that was sent is sent again with its message",
        file=f"{_API}/sender.ts",
        old="const file = message.files.find(({ url }) => url === null);",
        new="const file = message.files.find(({ url }) => url !== undefined);",
        tests=(f"{_FILES}::test_a_file_goes_with_a_message_and_comes_back",),
    ),
    *[
        Seed(
            name=f"T20 a text that is {what} holds the page up",
            file=f"{_CHATS}/weight.ts",
            old=old,
            new="",
            tests=(f"{_CHAT}::test_what_would_hold_the_page_up_is_shown_as_it_was_written",),
        )
        for what, old in {"wide": " + columns", "deep": "DEEP.test(text) || ", "nothing but marks": " || pieces(text) > MOST"}.items()
    ],
]

PAGE = [*_OUTBOX, *_FEED, *_SHOWN, *_STRANGERS]
