-- What a new embedded cluster gets beyond initdb. Each statement ends with an empty line, as the one-process server wants it.
-- The passwords are hexadecimal digits that were made for this cluster.

alter role postgres password '{superuser}';

create role postroom login password '{app}';

-- As owner of the database the role may create in its schema "public", and nowhere else.
create database postroom owner postroom;

revoke all on database postroom, postgres, template1 from public;

