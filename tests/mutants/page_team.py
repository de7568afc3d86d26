"""Seeded bugs of the page that a team is looked after with: the chart and the list, connecting, the panels and the operator's pages."""

from tests.mutants.seed import Seed

_API = "web/src/api"
_TEAM = "web/src/features/team"
_WORKSPACE = "web/src/features/workspace"
_OPERATION = "web/src/features/operation"
_PANELS = "tests/web/test_panels.py"
_CHART = "tests/web/test_team.py"
_REPLAYED = f"{_PANELS}::test_a_dead_letter_is_sent_again_and_what_came_of_it_is_shown"
_WHOLE = f"{_PANELS}::test_the_activity_is_whole_and_nothing_twice_though_it_goes_on_while_it_is_read"
_SMALL = f"{_PANELS}::test_what_an_agent_tells_on_its_way_is_one_line_and_an_activity_left_open_stays_small"
_HEALTH = f"{_PANELS}::test_health_says_what_is_wrong_and_leads_there"

PAGE_TEAM = [
    Seed(
        name="U19 a move can not be taken back",
        file=f"{_TEAM}/acts.ts",
        old="await move({ ...one, parent_id: parent }, one.parent_id);",
        new="await move({ ...one, parent_id: parent }, parent);",
        tests=(f"{_CHART}::test_an_agent_is_moved_by_dragging_and_taken_back",),
    ),
    Seed(
        name="U13 a move that was refused is not explained",
        file=f"{_TEAM}/acts.ts",
        old="  complain(refused[0]?.reason);\n",
        new="",
        tests=(f"{_CHART}::test_a_move_into_a_circle_is_refused_and_says_why",),
    ),
    Seed(
        name="U19 what is done to several is done to one",
        file=f"{_TEAM}/acts.ts",
        old="for (let one = waiting.shift(); one; one = waiting.shift()) {",
        new="for (const one of waiting.splice(0).slice(0, 1)) {",
        tests=(f"{_CHART}::test_several_are_paused_together_and_taken_back",),
    ),
    Seed(
        name="U19 what was done to several is taken back for one",
        file=f"{_TEAM}/acts.ts",
        old="for (const one of report.done) await pauseWorkspace(one.id, !paused);",
        new="for (const one of report.done.slice(0, 1)) await pauseWorkspace(one.id, !paused);",
        tests=(f"{_CHART}::test_several_are_paused_together_and_taken_back",),
    ),
    Seed(
        name="L1 how somebody likes the team is forgotten with the page",
        file=f"{_API}/preferences.ts",
        old="""data(api.PUT("/session/preferences/{name}", { params: { path: { name } }, body: value })),""",
        new="""Promise.resolve(value),""",
        tests=(f"{_CHART}::test_a_team_that_is_closed_is_closed_on_every_device",),
    ),
    Seed(
        name="L1 what is being kept for somebody is undone by an answer from before it",
        file=f"{_API}/preferences.ts",
        old=", ...underWay() })",
        new=" })",
        tests=(f"{_CHART}::test_what_is_kept_is_not_undone_by_an_answer_from_before_it",),
    ),
    Seed(
        name="L1 what was kept for somebody is undone by an answer from before it",
        file=f"{_API}/preferences.ts",
        old="    onSettled: () => void queries.invalidateQueries(preferencesQuery),\n",
        new="",
        tests=(f"{_CHART}::test_what_is_kept_is_not_undone_by_an_answer_from_before_it",),
    ),
    Seed(
        name="U8 no line lights up when one asks another",
        file=f"{_TEAM}/post.ts",
        old="""actor?.kind === "workspace") this.#begin(""",
        new="""actor?.kind === "operator") this.#begin(""",
        tests=(f"{_CHART}::test_a_line_lights_up_while_one_asks_another",),
    ),
    Seed(
        name="U8 a line goes out when what moved before has had its light",
        file=f"{_TEAM}/post.ts",
        old="    if (due >= this.#due) return;\n",
        new="    if (this.#due < Infinity) return;\n",
        tests=(f"{_CHART}::test_a_line_lights_up_while_one_asks_another",),
    ),
    Seed(
        name="U8 who comes in stands out of sight",
        file=f"{_TEAM}/canvas.tsx",
        old="[unmoved, everybody, fitView]",
        new="[unmoved, fitView]",
        tests=(f"{_CHART}::test_everybody_is_in_sight_until_one_looks_elsewhere_and_there_is_a_way_back",),
    ),
    Seed(
        name="U8 who has lost sight of everybody is not shown the way back",
        file=f"{_TEAM}/canvas.tsx",
        old="  if (!lost) return null;\n",
        new="  if (lost || !lost) return null;\n",
        tests=(f"{_CHART}::test_everybody_is_in_sight_until_one_looks_elsewhere_and_there_is_a_way_back",),
    ),
    Seed(
        name="L13 what was asked before the page was opened has no line",
        file=f"{_TEAM}/traffic.ts",
        old="    if (before) post.know(before);\n",
        new="",
        tests=(f"{_CHART}::test_a_line_lights_up_while_one_asks_another",),
    ),
    Seed(
        name="L13 a line is lit though what was asked has ended",
        file=f"{_TEAM}/post.ts",
        old="    this.#open.delete(message);\n",
        new="",
        tests=(f"{_CHART}::test_a_line_lights_up_while_one_asks_another",),
    ),
    Seed(
        name="U20 nobody is told that the agent that was connected is there",
        file=f"{_TEAM}/connect.tsx",
        old="""const there = status === "online" || status === "degraded";""",
        new="""const there = status === "degraded";""",
        tests=(f"{_CHART}::test_an_agent_is_added_and_the_dialog_turns_green_when_it_comes",),
    ),
    Seed(
        name="L33 the commands to connect an agent break on its name",
        file=f"{_TEAM}/commands.ts",
        old="""`'${word.replaceAll("'", `'\\\\''`)}'`;""",
        new="""`'${word}'`;""",
        tests=("tests/web/test_connecting.py::test_a_program_comes_in_by_its_name_and_answers",),
    ),
    Seed(
        name="U19 dead letters are dropped when they are to be sent again",
        file=f"{_OPERATION}/batch.tsx",
        old="run: replayAndFollow,",
        new="run: drop,",
        tests=(_REPLAYED,),
    ),
    Seed(
        name="P5 dead letters are sent again in the wrong order",
        file=f"{_OPERATION}/batch.tsx",
        old="letters: [...meant].reverse() });",
        new="letters: meant });",
        tests=(_REPLAYED,),
    ),
    Seed(
        name="U19 what is dropped stays a dead letter",
        file=f"{_API}/dead-letters.ts",
        old="""  await data(api.POST("/dead-letters/{message_id}/drop", { params: { path: { message_id } } }));\n""",
        new="  void message_id;\n",
        tests=(_REPLAYED,),
    ),
    Seed(
        name="L13 nobody is told what became of a dead letter that was sent again",
        file=f"{_OPERATION}/replays.ts",
        old="""  "message.replied": "answered",\n""",
        new="",
        tests=(_REPLAYED,),
    ),
    Seed(
        name="P6 what was heard while the activity was read is there twice",
        file=f"{_WORKSPACE}/activity.ts",
        old="    if (placeOf(row.cursor) <= this.#read) return;\n",
        new="",
        tests=(_WHOLE,),
    ),
    Seed(
        name="P6 what was heard while the activity was read is not there",
        file=f"{_WORKSPACE}/activity.ts",
        old="if (this.#heard) this.#heard.push(row);",
        new="if (this.#heard) return;",
        tests=(_WHOLE,),
    ),
    Seed(
        name="P6 the activity is read from its newest page only",
        file=f"{_WORKSPACE}/activity-rows.ts",
        old="before: rows.length < PAGE ? null",
        new="before: rows.length <= PAGE ? null",
        tests=(_WHOLE,),
    ),
    Seed(
        name="P6 what is told of two messages in turn is told of one",
        file=f"{_WORKSPACE}/activity-rows.ts",
        old="places.set(message_id, place);",
        new="places = new Map([[message_id, place]]);",
        tests=(_WHOLE,),
    ),
    Seed(
        name="U6 what an agent tells on its way buries what happened",
        file=f"{_WORKSPACE}/activity-rows.ts",
        old="places.get(message_id) ?? lines.length",
        new="lines.length",
        tests=(_SMALL,),
    ),
    Seed(
        name="P6 an activity that is left open keeps all that it hears",
        file=f"{_WORKSPACE}/activity.ts",
        old="if (lines.length > MOST) this.#tear();",
        new="if (lines.length > MOST ** 2) this.#tear();",
        tests=(_SMALL,),
    ),
    Seed(
        name="P6 what is heard pushes about who reads further down",
        file=f"{_WORKSPACE}/activity.ts",
        old="    else this.#show({ along });\n",
        new="",
        tests=(_SMALL,),
    ),
    Seed(
        name="U6 a page of the activity that folds into a line is all that is read",
        file=f"{_WORKSPACE}/activity.ts",
        old="const PAGES = 20;",
        new="const PAGES = 0;",
        tests=(_SMALL,),
    ),
    Seed(
        name="L16 nobody is told of post that waits for a paused agent",
        file=f"{_OPERATION}/findings.ts",
        old="    if (paused) return",
        new="    if (paused && waiting > 100) return",
        tests=(_HEALTH,),
    ),
    Seed(
        name="L16 what is shown of the health is as old as the page",
        file=f"{_OPERATION}/health.ts",
        old="  refetchInterval: LOOK_AGAIN,\n",
        new="",
        tests=(_HEALTH,),
    ),
]
