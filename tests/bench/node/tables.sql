-- What the worker of this folder works on: a roster, requests, and appointments that never overlap.
CREATE EXTENSION btree_gist;

CREATE TABLE office (
	office      text        PRIMARY KEY,
	zone        text        NOT NULL,
	telephone   text        NOT NULL,
	place       text        NOT NULL
);

CREATE TABLE coordinator (
	coordinator_id  integer     PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	office          text        NOT NULL REFERENCES office,
	name            text        NOT NULL,
	mail            text        NOT NULL,
	languages       text[]      NOT NULL
);
CREATE INDEX ON coordinator (office);

CREATE TABLE request (
	request_id  bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	case_code   text        NOT NULL DEFAULT upper(substr(md5(random()::text), 1, 6)),
	office      text        NOT NULL REFERENCES office,
	language    text        NOT NULL,
	window_from timestamptz NOT NULL
);

CREATE TABLE appointment (
	appointment_id  bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	request_id      bigint      NOT NULL UNIQUE REFERENCES request,
	coordinator_id  integer     NOT NULL REFERENCES coordinator,
	during          tstzrange   NOT NULL,
	uid             uuid        NOT NULL DEFAULT gen_random_uuid(),
	stored_at       timestamptz NOT NULL DEFAULT now(),
	EXCLUDE USING gist (coordinator_id WITH =, during WITH &&)
);
