-- Schema 1 of the service: directory, devices, profiles, slots, access. Identifiers are 16 bytes, times integers since
-- 1970 in UTC (seconds; milliseconds where the record says so), hashes their bytes. "" and empty bytes mean: not there.

CREATE TABLE users (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	upn TEXT NOT NULL COLLATE NOCASE,
	display_name TEXT NOT NULL, given_name TEXT NOT NULL, surname TEXT NOT NULL,
	mail TEXT NOT NULL, mail_nickname TEXT NOT NULL,
	sam_account TEXT NOT NULL, dn TEXT NOT NULL, sid TEXT NOT NULL,
	job_title TEXT NOT NULL, department TEXT NOT NULL, employee_id TEXT NOT NULL,
	source TEXT NOT NULL, enabled INTEGER NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_upn ON users (upn);

CREATE TABLE groups (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	display_name TEXT NOT NULL, description TEXT NOT NULL, mail_nickname TEXT NOT NULL, source TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

-- A member is a user, a device or a group, so it has no foreign key.
CREATE TABLE members (
	group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
	member BLOB NOT NULL CHECK (length(member) = 16),
	kind INTEGER NOT NULL,
	PRIMARY KEY (group_id, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_member ON members (member, group_id);

CREATE TABLE devices (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	user_id BLOB REFERENCES users (id) ON DELETE SET NULL,
	name TEXT NOT NULL, fqdn TEXT NOT NULL, serial TEXT NOT NULL, machine_id TEXT NOT NULL,
	manufacturer TEXT NOT NULL, model TEXT NOT NULL, platform TEXT NOT NULL,
	os TEXT NOT NULL, os_version TEXT NOT NULL, agent_version TEXT NOT NULL,
	state INTEGER NOT NULL,
	identity BLOB NOT NULL, identity_sha256 BLOB NOT NULL, identity_not_after INTEGER NOT NULL,
	last_seen INTEGER NOT NULL, inventory TEXT NOT NULL,
	fence INTEGER NOT NULL,
	enrolled INTEGER NOT NULL,
	looked INTEGER NOT NULL DEFAULT 0, identity_ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX devices_identity ON devices (identity_sha256) WHERE identity_sha256 <> x'';
CREATE INDEX devices_looked ON devices (looked, id) WHERE state = 1;
-- Those that left and whose identity certificate is not revoked yet.
CREATE INDEX devices_left ON devices (id) WHERE state > 1 AND identity_ended = 0;
CREATE INDEX devices_user ON devices (user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE connectors (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL, machine TEXT NOT NULL, version TEXT NOT NULL, features TEXT NOT NULL, cas TEXT NOT NULL,
	identity BLOB NOT NULL, identity_sha256 BLOB NOT NULL, holder BLOB NOT NULL,
	enabled INTEGER NOT NULL, last_contact INTEGER NOT NULL,
	fence INTEGER NOT NULL,
	enrolled INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX connectors_identity ON connectors (identity_sha256) WHERE identity_sha256 <> x'';

CREATE TABLE codes (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	hash BLOB NOT NULL UNIQUE,
	kind INTEGER NOT NULL,
	user_id BLOB REFERENCES users (id) ON DELETE CASCADE,
	created INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL,
	used_by BLOB NOT NULL
) STRICT;
CREATE INDEX codes_user ON codes (user_id) WHERE user_id IS NOT NULL;

-- Identity certificates that take the place of a device's or connector's own when they are first used.
CREATE TABLE renewals (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	kind INTEGER NOT NULL,
	identity BLOB NOT NULL, identity_sha256 BLOB NOT NULL UNIQUE,
	not_after INTEGER NOT NULL, fence INTEGER NOT NULL
) STRICT;

CREATE TABLE profiles (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	type TEXT NOT NULL, platform TEXT NOT NULL, display_name TEXT NOT NULL, description TEXT NOT NULL,
	settings TEXT NOT NULL, scope_tags TEXT NOT NULL,
	root BLOB NOT NULL, version INTEGER NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

CREATE TABLE assignments (
	profile BLOB NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
	kind INTEGER NOT NULL,
	group_id BLOB NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (profile, kind, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_target ON assignments (group_id, kind, profile, created);

-- Counts what can take a certificate from somebody. A device whose number (looked) is lower was not compared with what it
-- should have since. Counted here, so that no way of changing the directory can forget to.
CREATE TABLE changes (n INTEGER NOT NULL) STRICT;
INSERT INTO changes (n) VALUES (0);
CREATE TRIGGER users_enabled AFTER UPDATE OF enabled ON users WHEN OLD.enabled <> NEW.enabled
BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER devices_user_changed AFTER UPDATE OF user_id ON devices WHEN OLD.user_id IS NOT NEW.user_id
BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER members_added AFTER INSERT ON members BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER members_removed AFTER DELETE ON members BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER assignments_added AFTER INSERT ON assignments BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER assignments_removed AFTER DELETE ON assignments BEGIN UPDATE changes SET n = n + 1; END;

-- A slot outlives its profile and its user: what it delivered still has to be taken away.
CREATE TABLE slots (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	device BLOB NOT NULL REFERENCES devices (id),
	user_id BLOB NOT NULL, profile BLOB NOT NULL,
	kind TEXT NOT NULL, wanted INTEGER NOT NULL, wanted_hash BLOB NOT NULL, reached_hash BLOB NOT NULL,
	fault TEXT NOT NULL, detail TEXT NOT NULL,
	since INTEGER NOT NULL, assigned INTEGER NOT NULL, installed INTEGER NOT NULL,
	request BLOB NOT NULL, serial TEXT NOT NULL, subject TEXT NOT NULL, issuer TEXT NOT NULL,
	cert_sha256 BLOB NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX slots_key ON slots (device, user_id, profile);
CREATE INDEX slots_device ON slots (device, id);
CREATE INDEX slots_profile ON slots (profile, id);

-- due: from when on a connector may take it (QUEUED: 1) or take it over (LEASED: 2).
CREATE TABLE requests (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	slot BLOB NOT NULL REFERENCES slots (id),
	device BLOB NOT NULL,
	kind INTEGER NOT NULL, state INTEGER NOT NULL, fence INTEGER NOT NULL, attempts INTEGER NOT NULL,
	hash BLOB NOT NULL, ca TEXT NOT NULL COLLATE NOCASE, owner TEXT NOT NULL,
	lease_until INTEGER NOT NULL, not_before INTEGER NOT NULL,
	fault TEXT NOT NULL, detail TEXT NOT NULL, keep TEXT NOT NULL, about BLOB NOT NULL,
	leaf BLOB NOT NULL, sealed BLOB NOT NULL, password BLOB NOT NULL, serial TEXT NOT NULL,
	created INTEGER NOT NULL, updated INTEGER NOT NULL,
	due INTEGER GENERATED ALWAYS AS
	    (CASE state WHEN 1 THEN max(not_before, created / 1000) WHEN 2 THEN lease_until END) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX requests_open ON requests (slot, kind, about) WHERE state <= 4;
CREATE INDEX requests_slot ON requests (slot, kind, created);
CREATE INDEX requests_lease ON requests (ca, kind, due, created) WHERE state <= 2;
CREATE INDEX requests_due ON requests (state, due) WHERE state <= 2;
CREATE INDEX requests_state ON requests (state);

CREATE TABLE events (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	slot BLOB NOT NULL, request BLOB NOT NULL, at INTEGER NOT NULL,
	actor TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL, fault TEXT NOT NULL,
	count INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT;
CREATE INDEX events_slot ON events (slot, seq);

CREATE TABLE apps (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL, secret_hash TEXT NOT NULL, permissions TEXT NOT NULL,
	enabled INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;

CREATE TABLE admins (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL COLLATE NOCASE UNIQUE,
	password_hash TEXT NOT NULL, permissions TEXT NOT NULL,
	enabled INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;

CREATE TABLE logins (
	code_hash BLOB NOT NULL PRIMARY KEY,
	user_code TEXT NOT NULL UNIQUE,
	app BLOB NOT NULL, admin BLOB NOT NULL, scope TEXT NOT NULL,
	state INTEGER NOT NULL, failures INTEGER NOT NULL,
	created INTEGER NOT NULL, expires INTEGER NOT NULL, polled INTEGER NOT NULL
) STRICT;
CREATE INDEX logins_expires ON logins (expires);

CREATE TABLE settings (
	name TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
	seq INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
	hash BLOB NOT NULL
) STRICT;

-- The newest line of each chain, so that lines missing at its end show as well.
CREATE TABLE chains (
	name TEXT NOT NULL PRIMARY KEY,
	seq INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;
