-- What a new embedded cluster gets beyond initdb. Each statement ends with an empty line, as the one-process server wants it.
-- The passwords are hexadecimal digits that were made for this cluster.

ALTER ROLE postgres PASSWORD '{superuser}';

CREATE ROLE postroom LOGIN PASSWORD '{app}';

-- As owner of the database the role may create in its schema "public", and nowhere else.
CREATE DATABASE postroom OWNER postroom;

REVOKE ALL ON DATABASE postroom, postgres, template1 FROM PUBLIC;

