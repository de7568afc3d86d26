-- The traffic of a workspace with other agents: their post in its own mailbox, and its own in theirs. What is in its mailbox, in the order of
-- time; what it sent lies in "message_delegation" in the same order (docs/decisions/0019).
create index message_traffic on message (workspace_id, accepted_at, id) where strand = 'agents';

-- What came back for a message that a workspace sent to another one, unless it was posted into its own mailbox.
create function answer_to(p_message uuid, p_workspace uuid) returns message language sql stable as $$
    select answer.* from message asked join outcome o on o.message_id = asked.id join message answer on answer.id = o.reply_id
    where asked.id = p_message and asked.sender_id = p_workspace and asked.workspace_id <> p_workspace and not asked.report
$$;

-- The first words of a message, or the name of its file.
create function preview_of(p_body jsonb) returns text language sql immutable as $$
    select coalesce(nullif(left(words_of(p_body), 280), ''), jsonb_path_query_first(p_body, '$.parts[*].filename') #>> '{}')
$$;
