"""Seeded bugs in files: what may be named, who may read it, what is forgotten and what is left."""

from tests.mutants.seed import Seed

_MIGRATION = "src/postroom/sql/migrations/0008_create_files.sql"
_QUERIES = "src/postroom/sql/queries/files.sql"
_SERVICE = "src/postroom/core/files/service.py"
_CORE = "tests/core/test_files.py"
_KEPT = "tests/edges/test_files.py"
_NAMED = "tests/edges/test_files_named.py"

FILES = [
    Seed(
        name="P1 a file is named before its last byte is there",
        file=_MIGRATION,
        old="where f.id = any(p_ids) and f.size is not null and (",
        new="where f.id = any(p_ids) and (",
        tests=(f"{_NAMED}::test_a_file_that_is_not_whole_can_not_be_named_or_read",),
    ),
    Seed(
        name="P1 what a message names is pruned",
        file=_QUERIES,
        old="where id = any(array(select id from due where not exists (select from attachment a where a.file_id = due.id)))",
        new="where id = any(array(select id from due))",
        tests=(f"{_CORE}::test_what_nobody_names_is_forgotten_after_a_day_and_what_a_message_names_never",),
    ),
    Seed(
        name="P1 what is about to be named is pruned before the message is there",
        file=_QUERIES,
        old="set keep_until = greatest(keep_until, clock_timestamp() + interval '24 hours')",
        new="set keep_until = keep_until",
        tests=(f"{_CORE}::test_what_is_about_to_be_named_is_kept_for_another_day",),
    ),
    Seed(
        name="P1 the files of an answer are not attached to it",
        file=_MIGRATION,
        old="create trigger message_attaches_files after insert on message for each row\n    when (",
        new="create trigger message_attaches_files after insert on message for each row\n    when (new.role = 'user' and ",
        tests=(f"{_NAMED}::test_who_asked_reads_the_files_of_the_answer",),
    ),
    Seed(
        name="S2 a stranger reads a file whose address it knows",
        file=_MIGRATION,
        old="p_principal in (m.workspace_id, m.sender_id, asked.sender_id)",
        new="p_principal is not null",
        tests=(f"{_NAMED}::test_a_file_is_its_uploaders_and_of_those_who_got_it",),
    ),
    Seed(
        name="S2 who names a file may read it",
        file=_QUERIES,
        old="where id = any(array(select v.id from visible_files($1, $2, $3) v))",
        new="where id = any($1) and length($2::text) > 0 and $3::uuid is not null",
        tests=(f"{_NAMED}::test_a_stranger_can_not_name_what_it_may_not_see",),
    ),
    Seed(
        name="R12 other bytes under the same key are taken for the same file",
        file=_SERVICE,
        old="if (found.name, found.media_type, found.sha256) != (new.name, new.media_type, digest):",
        new="if (found.name, found.media_type) != (new.name, new.media_type):",
        tests=(f"{_KEPT}::test_the_same_key_is_the_same_file",),
    ),
    Seed(
        name="S8 a page of somebody else's making is shown in its place",
        file="src/postroom/edges/rest/bytes.py",
        old='for kind in ("png", "jpeg"',
        new='for kind in ("svg+xml", "png", "jpeg"',
        tests=(f"{_KEPT}::test_only_what_runs_nothing_is_shown_in_its_place",),
    ),
    Seed(
        name="S8 a name keeps what turns its letters around",
        file="src/postroom/core/files/model.py",
        old='_UNSEEN = ("Cc", "Cf", ',
        new='_UNSEEN = ("Cc", ',
        tests=(f"{_KEPT}::test_an_evil_name_is_a_name",),
    ),
    Seed(
        name="U6 a called agent gets an address that it can not read",
        file="src/postroom/edges/push/enclosing.py",
        old='return part.get("url", "").startswith(URL) and',
        new='return part.get("url", "").startswith("/file/") and',
        tests=("tests/edges/test_push_files.py::test_the_bytes_are_in_the_place_of_the_address",),
    ),
    Seed(
        name="S8 a download writes over what is there",
        file="src/postroom/cli/download.py",
        old="            path.touch(exist_ok=False)\n",
        new="            path.touch()\n",
        tests=("tests/cli/test_files.py::test_a_file_is_fetched_under_its_name_and_nothing_is_written_over",),
    ),
    Seed(
        name="S8 a file's name leads out of the directory that it is put into",
        file="src/postroom/cli/download.py",
        old='name.replace("\\\\", "/").rpartition("/")[2]',
        new="name",
        tests=("tests/cli/test_files.py::test_a_name_leads_nowhere_else",),
    ),
]
