-- Schema 1 of the service: directory, devices, profiles, slots, access. Identifiers are 16 bytes, times integers since
-- 1970 in UTC (seconds; milliseconds where the record says so), hashes their bytes. "" and empty bytes mean: not there.

CREATE TABLE users (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	upn TEXT NOT NULL COLLATE NOCASE,
	display_name TEXT NOT NULL, given_name TEXT NOT NULL, surname TEXT NOT NULL,
	mail TEXT NOT NULL, mail_nickname TEXT NOT NULL,
	sam_account TEXT NOT NULL, dn TEXT NOT NULL, sid TEXT NOT NULL,
	op_upn TEXT NOT NULL, op_domain TEXT NOT NULL, immutable_id TEXT NOT NULL, cloud_sid TEXT NOT NULL,
	job_title TEXT NOT NULL, department TEXT NOT NULL, employee_id TEXT NOT NULL,
	office TEXT NOT NULL, mobile TEXT NOT NULL, company TEXT NOT NULL,
	source TEXT NOT NULL, enabled INTEGER NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_upn ON users (upn);
CREATE UNIQUE INDEX users_immutable ON users (immutable_id) WHERE immutable_id <> '';
CREATE INDEX users_name ON users (display_name COLLATE NOCASE);

CREATE TABLE groups (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	display_name TEXT NOT NULL COLLATE NOCASE, description TEXT NOT NULL, mail_nickname TEXT NOT NULL,
	sam_account TEXT NOT NULL, op_domain TEXT NOT NULL, sid TEXT NOT NULL, cloud_sid TEXT NOT NULL,
	source TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE INDEX groups_name ON groups (display_name);
CREATE UNIQUE INDEX groups_sid ON groups (sid) WHERE sid <> '';

-- A member is a user, a device or a group, so it has no foreign key.
CREATE TABLE members (
	group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
	member BLOB NOT NULL CHECK (length(member) = 16),
	kind INTEGER NOT NULL,
	PRIMARY KEY (group_id, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_member ON members (member, group_id);
CREATE INDEX members_kind ON members (group_id, kind);

CREATE TABLE devices (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	user_id BLOB REFERENCES users (id) ON DELETE SET NULL,
	name TEXT NOT NULL, fqdn TEXT NOT NULL, serial TEXT NOT NULL, machine_id TEXT NOT NULL,
	manufacturer TEXT NOT NULL, model TEXT NOT NULL, platform TEXT NOT NULL,
	os TEXT NOT NULL, os_version TEXT NOT NULL, agent_version TEXT NOT NULL,
	imei TEXT NOT NULL, meid TEXT NOT NULL, wifi_mac TEXT NOT NULL, ethernet_mac TEXT NOT NULL, udid TEXT NOT NULL,
	ownership INTEGER NOT NULL, category TEXT NOT NULL, enrol_profile TEXT NOT NULL, enrol_type TEXT NOT NULL,
	rooted INTEGER NOT NULL, cpu TEXT NOT NULL, sku TEXT NOT NULL, join_type INTEGER NOT NULL,
	sid TEXT NOT NULL, dn TEXT NOT NULL, notes TEXT NOT NULL, scope_tags TEXT NOT NULL,
	withheld TEXT NOT NULL, reporting TEXT NOT NULL DEFAULT '', waking TEXT NOT NULL DEFAULT '',
	state INTEGER NOT NULL,
	identity BLOB NOT NULL, identity_sha256 BLOB NOT NULL, identity_not_after INTEGER NOT NULL,
	last_seen INTEGER NOT NULL, inventory TEXT NOT NULL,
	fence INTEGER NOT NULL,
	enrolled INTEGER NOT NULL,
	asked INTEGER NOT NULL DEFAULT 0, looked INTEGER NOT NULL DEFAULT 0, identity_ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX devices_identity ON devices (identity_sha256) WHERE identity_sha256 <> x'';
CREATE INDEX devices_looked ON devices (looked, id) WHERE state = 1;
-- Those that left and whose identity certificate is not revoked yet.
CREATE INDEX devices_left ON devices (id) WHERE state > 1 AND identity_ended = 0;
-- For counting them, by what their scope tags are: an overview reads this alone.
CREATE INDEX devices_overview ON devices (platform, scope_tags) WHERE state = 1;
CREATE INDEX devices_serial ON devices (serial) WHERE serial <> '';
CREATE INDEX devices_user ON devices (user_id, id) WHERE user_id IS NOT NULL;

-- The same hardware again.
CREATE INDEX devices_machine ON devices (machine_id) WHERE machine_id <> '';
CREATE INDEX devices_udid ON devices (udid) WHERE udid <> '';
-- What befell devices. lost: since when. elsewhere: when its identity was last told to be used on another machine. replaced: by the
-- same hardware enrolled anew. wipe: where the newest wipe stands, 0 none was asked for, 1 pending, 2 issued, 3 resetting, 4 failed,
-- 5 done, 6 cancelled, 7 expired.
CREATE TABLE device_lives (
	device BLOB NOT NULL PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
	lost INTEGER NOT NULL, elsewhere INTEGER NOT NULL, replaced BLOB,
	wipe INTEGER NOT NULL, wipe_how TEXT NOT NULL, wipe_by TEXT NOT NULL,
	wipe_asked INTEGER NOT NULL, wipe_issued INTEGER NOT NULL, wipe_ended INTEGER NOT NULL, wipe_expires INTEGER NOT NULL,
	wipe_fault TEXT NOT NULL, wipe_detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_lives_wipe ON device_lives (wipe) WHERE wipe BETWEEN 1 AND 4;
CREATE INDEX device_lives_expires ON device_lives (wipe_expires) WHERE wipe = 1;
-- What platforms keep of devices between messages; only they read it.
CREATE TABLE device_states (
	device BLOB NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
	channel TEXT NOT NULL, state BLOB NOT NULL CHECK (length(state) <= 1048576), updated INTEGER NOT NULL,
	report BLOB NOT NULL DEFAULT x'' CHECK (length(report) <= 1048576),
	PRIMARY KEY (device, channel)
) STRICT, WITHOUT ROWID;

-- SCEP messages of devices on their way to a CA and back; they live for seconds. state 1 waiting, 2 taken by a connector, 3 answered.
CREATE TABLE relays (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	request BLOB NOT NULL, ca TEXT NOT NULL COLLATE NOCASE,
	operation TEXT NOT NULL, message BLOB NOT NULL,
	state INTEGER NOT NULL, owner TEXT NOT NULL,
	status INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL,
	created INTEGER NOT NULL, expires INTEGER NOT NULL,
	-- Since when the owner has it; and who had it before and let it lie.
	taken INTEGER NOT NULL DEFAULT 0, before TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX relays_open ON relays (created) WHERE state < 3;
CREATE INDEX relays_request ON relays (request);
CREATE INDEX relays_expires ON relays (expires);

-- Identities that were offered by SCEP and not used yet.
CREATE TABLE enrolling (
	device BLOB NOT NULL PRIMARY KEY CHECK (length(device) = 16),
	user_id BLOB REFERENCES users (id) ON DELETE CASCADE, platform TEXT NOT NULL,
	fence INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT;

CREATE TABLE connectors (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	name TEXT NOT NULL, machine TEXT NOT NULL, version TEXT NOT NULL, features TEXT NOT NULL, cas TEXT NOT NULL,
	import_keys TEXT NOT NULL,
	identity BLOB NOT NULL, identity_sha256 BLOB NOT NULL, holder BLOB NOT NULL,
	enabled INTEGER NOT NULL, last_contact INTEGER NOT NULL,
	fence INTEGER NOT NULL,
	templates TEXT NOT NULL, checked INTEGER NOT NULL,
	wanted BLOB NOT NULL, turn INTEGER NOT NULL, report TEXT NOT NULL,
	maker BLOB NOT NULL,
	enrolled INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX connectors_identity ON connectors (identity_sha256) WHERE identity_sha256 <> x'';

-- Releases of the connector, in parts. version: as the bundle says, once all of it is there; "" before.
CREATE TABLE connector_releases (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	version TEXT NOT NULL, machine TEXT NOT NULL,
	size INTEGER NOT NULL, got INTEGER NOT NULL, sha256 BLOB NOT NULL,
	created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX connector_releases_version ON connector_releases (version, machine) WHERE version <> '';

CREATE TABLE connector_release_parts (
	release BLOB NOT NULL REFERENCES connector_releases (id) ON DELETE CASCADE,
	at INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	PRIMARY KEY (release, at)
) STRICT;

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
-- How many of them one device was given on the day (of UTC, since 1970) on which it was given the last one.
CREATE TABLE renewal_days (
	device BLOB NOT NULL PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
	day INTEGER NOT NULL, n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE profiles (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	type TEXT NOT NULL, platform TEXT NOT NULL, display_name TEXT NOT NULL, description TEXT NOT NULL,
	settings TEXT NOT NULL, scope_tags TEXT NOT NULL,
	root BLOB NOT NULL, version INTEGER NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

CREATE INDEX profiles_root ON profiles (root) WHERE root <> zeroblob(16);

-- Profiles as they were before each change, with their targets as JSON. Bounded by number for each profile.
CREATE TABLE versions (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	profile BLOB NOT NULL CHECK (length(profile) = 16),
	type TEXT NOT NULL, platform TEXT NOT NULL, display_name TEXT NOT NULL, description TEXT NOT NULL,
	settings TEXT NOT NULL, scope_tags TEXT NOT NULL,
	root BLOB NOT NULL, version INTEGER NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL,
	targets TEXT NOT NULL, actor TEXT NOT NULL, change TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX versions_profile ON versions (profile, seq);

-- Changes of profiles that reach their slots at a pace; one of a profile may be open (state 3 at most). They outlive the
-- profile: the change may be that it is deleted.
CREATE TABLE rollouts (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	profile BLOB NOT NULL, name TEXT NOT NULL, platform TEXT NOT NULL,
	change TEXT NOT NULL, actor TEXT NOT NULL,
	state INTEGER NOT NULL, before INTEGER NOT NULL,
	share INTEGER NOT NULL, pace INTEGER NOT NULL, steps TEXT NOT NULL, passed INTEGER NOT NULL,
	max_failed INTEGER NOT NULL, total INTEGER NOT NULL, planned INTEGER NOT NULL,
	released INTEGER NOT NULL, reached INTEGER NOT NULL, failed INTEGER NOT NULL, withdrawn INTEGER NOT NULL,
	forgiven INTEGER NOT NULL, allowed INTEGER NOT NULL,
	fault TEXT NOT NULL, detail TEXT NOT NULL,
	created INTEGER NOT NULL, since INTEGER NOT NULL, ticked INTEGER NOT NULL,
	counted INTEGER NOT NULL, cursor BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX rollouts_open ON rollouts (profile) WHERE state <= 3;
CREATE INDEX rollouts_platform ON rollouts (platform, state) WHERE state <= 3;

CREATE TABLE filters (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	display_name TEXT NOT NULL COLLATE NOCASE UNIQUE, description TEXT NOT NULL,
	platform TEXT NOT NULL, rule TEXT NOT NULL, scope_tags TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

-- Number 0 is built in.
CREATE TABLE scope_tags (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	display_name TEXT NOT NULL COLLATE NOCASE UNIQUE, description TEXT NOT NULL
) STRICT;
INSERT INTO scope_tags (number, display_name, description) VALUES (0, 'Default', 'What has no other tag.');

CREATE TABLE assignments (
	profile BLOB NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
	kind INTEGER NOT NULL,
	group_id BLOB NOT NULL,
	filter BLOB REFERENCES filters (id), filter_mode INTEGER NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (profile, kind, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_target ON assignments (group_id, kind, profile, filter, filter_mode, created);
CREATE INDEX assignments_filter ON assignments (filter) WHERE filter IS NOT NULL;

-- Certificates with keys that were brought along, sealed to connectors; the service cannot open them. One for each user
-- and SHA-1 thumbprint.
CREATE TABLE user_pfx (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	thumbprint TEXT NOT NULL, purpose INTEGER NOT NULL, upn TEXT NOT NULL COLLATE NOCASE,
	not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
	provider TEXT NOT NULL, key_name TEXT NOT NULL, padding INTEGER NOT NULL,
	blob BLOB NOT NULL, password BLOB NOT NULL, leaf BLOB NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX user_pfx_thumbprint ON user_pfx (user_id, thumbprint);
CREATE INDEX user_pfx_end ON user_pfx (not_after, id);

-- The password of such a file, encrypted to the import key of one connector each. key: SHA-256 of the public key in hex, or
-- "name:" and a name, where only that is known.
CREATE TABLE pfx_copies (
	pfx BLOB NOT NULL REFERENCES user_pfx (id) ON DELETE CASCADE,
	key TEXT NOT NULL COLLATE NOCASE,
	key_name TEXT NOT NULL, padding INTEGER NOT NULL, password BLOB NOT NULL,
	PRIMARY KEY (pfx, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX pfx_copies_key ON pfx_copies (key, pfx);

-- Counts what can take a certificate from somebody. A device whose number (looked) is lower was not compared with what it
-- should have since. Counted here, so that no way of changing the directory can forget to.
CREATE TABLE changes (n INTEGER NOT NULL) STRICT;
INSERT INTO changes (n) VALUES (0);
CREATE TRIGGER users_enabled AFTER UPDATE OF enabled ON users WHEN OLD.enabled <> NEW.enabled
BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER devices_user_changed AFTER UPDATE OF user_id ON devices WHEN OLD.user_id IS NOT NEW.user_id
BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER user_pfx_removed AFTER DELETE ON user_pfx BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER user_pfx_purpose AFTER UPDATE OF purpose ON user_pfx WHEN OLD.purpose <> NEW.purpose
BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER members_added AFTER INSERT ON members BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER members_removed AFTER DELETE ON members BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER assignments_added AFTER INSERT ON assignments BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER assignments_removed AFTER DELETE ON assignments BEGIN UPDATE changes SET n = n + 1; END;
-- Whatever changes in a profile with an applicability rule: the rule may be what did.
CREATE TRIGGER profiles_applicability AFTER UPDATE OF settings ON profiles
WHEN OLD.settings <> NEW.settings AND (instr(OLD.settings, 'ApplicabilityRuleOsEdition":{') > 0 OR
    instr(OLD.settings, 'ApplicabilityRuleOsVersion":{') > 0 OR
    instr(NEW.settings, 'ApplicabilityRuleOsEdition":{') > 0 OR
    instr(NEW.settings, 'ApplicabilityRuleOsVersion":{') > 0 OR
    instr(OLD.settings, 'serverApplicabilityRules":[{') > 0 OR
    instr(NEW.settings, 'serverApplicabilityRules":[{') > 0)
BEGIN UPDATE changes SET n = n + 1; END;
CREATE TRIGGER filters_changed AFTER UPDATE OF rule ON filters WHEN OLD.rule <> NEW.rule
BEGIN UPDATE changes SET n = n + 1; END;

-- A slot outlives its profile and its user: what it delivered still has to be taken away. state: where it stands, 1 waiting, 2
-- issuing, 3 ready, 4 offered, 5 installed, 6 renewing, 7 failed, 8 removing, 9 removed. number: for the index of texts. item: which
-- of the profile's imported certificates; zero: it brings one thing.
CREATE TABLE slots (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	device BLOB NOT NULL REFERENCES devices (id),
	user_id BLOB NOT NULL, profile BLOB NOT NULL, item BLOB NOT NULL,
	kind TEXT NOT NULL, wanted INTEGER NOT NULL, wanted_hash BLOB NOT NULL, reached_hash BLOB NOT NULL,
	fault TEXT NOT NULL, detail TEXT NOT NULL,
	since INTEGER NOT NULL, assigned INTEGER NOT NULL, installed INTEGER NOT NULL,
	request BLOB NOT NULL, serial TEXT NOT NULL COLLATE NOCASE, subject TEXT NOT NULL, issuer TEXT NOT NULL,
	cert_sha256 BLOB NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
	state INTEGER NOT NULL, thumbprint TEXT NOT NULL COLLATE NOCASE
) STRICT;
CREATE UNIQUE INDEX slots_key ON slots (device, user_id, profile, item);
CREATE INDEX slots_device ON slots (device, id);
CREATE INDEX slots_profile ON slots (profile, id);
CREATE INDEX slots_state ON slots (state, id);
CREATE INDEX slots_profile_state ON slots (profile, state, id);
CREATE INDEX slots_user ON slots (user_id, id) WHERE user_id <> x'00000000000000000000000000000000';
CREATE INDEX slots_serial ON slots (serial, id) WHERE serial <> '';
CREATE INDEX slots_thumbprint ON slots (thumbprint, id) WHERE thumbprint <> '';
CREATE INDEX slots_fault ON slots (fault COLLATE NOCASE, id) WHERE fault <> '';
CREATE INDEX slots_cert ON slots (cert_sha256, id) WHERE cert_sha256 <> x'';
-- What devices hold, by when it ends; and what they held once, by since when no more.
CREATE INDEX slots_live ON slots (not_after, number) WHERE state IN (5, 6) AND not_after > 0;
CREATE INDEX slots_gone ON slots (since) WHERE state = 9;
CREATE INDEX slots_failed ON slots (since) WHERE state = 7;
-- Imported certificates do not leave when they end: old mail opens with them.
CREATE INDEX slots_ending ON slots (not_after) WHERE state IN (5, 6) AND not_after > 0 AND item =
	x'00000000000000000000000000000000';

-- How many slots stand where, so that nobody has to count them. changed: since when the newest of them does.
CREATE TABLE slot_counts (
	profile BLOB NOT NULL, state INTEGER NOT NULL, fault TEXT NOT NULL,
	n INTEGER NOT NULL, changed INTEGER NOT NULL,
	PRIMARY KEY (profile, state, fault)
) STRICT, WITHOUT ROWID;
-- The same for each user, all devices together (slots of no user: zero), and how many users stand where: 0 nowhere, 1 pending, 2
-- well, 3 failed somewhere. changed: since when the newest of these numbers is so.
CREATE TABLE slot_users (
	profile BLOB NOT NULL, user_id BLOB NOT NULL,
	pending INTEGER NOT NULL, success INTEGER NOT NULL, error INTEGER NOT NULL, changed INTEGER NOT NULL,
	standing INTEGER GENERATED ALWAYS AS
	    (CASE WHEN error > 0 THEN 3 WHEN pending > 0 THEN 1 WHEN success > 0 THEN 2 ELSE 0 END) VIRTUAL,
	PRIMARY KEY (profile, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE slot_user_counts (
	profile BLOB NOT NULL, standing INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (profile, standing)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER slots_counted AFTER INSERT ON slots BEGIN
	INSERT INTO slot_counts (profile, state, fault, n, changed) VALUES (NEW.profile, NEW.state, NEW.fault, 1, NEW.since)
	    ON CONFLICT DO UPDATE SET n = n + 1, changed = max(changed, excluded.changed);
	INSERT INTO slot_users (profile, user_id, pending, success, error, changed)
	    VALUES (NEW.profile, NEW.user_id, NEW.state IN (1, 2, 3, 4, 8), NEW.state IN (5, 6), NEW.state = 7, NEW.since)
	    ON CONFLICT DO UPDATE SET pending = pending + excluded.pending, success = success + excluded.success,
	    error = error + excluded.error, changed = max(changed, excluded.changed);
	INSERT INTO slot_text_due (number) VALUES (NEW.number) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER slots_moved AFTER UPDATE OF state, fault ON slots WHEN OLD.state <> NEW.state OR OLD.fault <> NEW.fault BEGIN
	UPDATE slot_counts SET n = n - 1 WHERE profile = OLD.profile AND state = OLD.state AND fault = OLD.fault;
	INSERT INTO slot_counts (profile, state, fault, n, changed) VALUES (NEW.profile, NEW.state, NEW.fault, 1, NEW.since)
	    ON CONFLICT DO UPDATE SET n = n + 1, changed = max(changed, excluded.changed);
END;
-- Most moves are from one way of pending to the next: no row of a user is written for those.
CREATE TRIGGER slots_user_moved AFTER UPDATE OF state ON slots WHEN (OLD.state IN (1, 2, 3, 4, 8)) <> (NEW.state IN (1, 2, 3, 4, 8))
    OR (OLD.state IN (5, 6)) <> (NEW.state IN (5, 6)) OR (OLD.state = 7) <> (NEW.state = 7) BEGIN
	UPDATE slot_users SET pending = pending - (OLD.state IN (1, 2, 3, 4, 8)) + (NEW.state IN (1, 2, 3, 4, 8)),
	    success = success - (OLD.state IN (5, 6)) + (NEW.state IN (5, 6)), error = error - (OLD.state = 7) + (NEW.state = 7),
	    changed = max(changed, NEW.since) WHERE profile = NEW.profile AND user_id = NEW.user_id;
END;
CREATE TRIGGER slots_deleted AFTER DELETE ON slots BEGIN
	UPDATE slot_counts SET n = n - 1 WHERE profile = OLD.profile AND state = OLD.state AND fault = OLD.fault;
	UPDATE slot_users SET pending = pending - (OLD.state IN (1, 2, 3, 4, 8)), success = success - (OLD.state IN (5, 6)),
	    error = error - (OLD.state = 7) WHERE profile = OLD.profile AND user_id = OLD.user_id;
	INSERT INTO slot_text_due (number) VALUES (OLD.number) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER slot_users_counted AFTER INSERT ON slot_users BEGIN
	INSERT INTO slot_user_counts (profile, standing, n) VALUES (NEW.profile, NEW.standing, 1)
	    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER slot_users_moved AFTER UPDATE OF pending, success, error ON slot_users WHEN OLD.standing <> NEW.standing BEGIN
	UPDATE slot_user_counts SET n = n - 1 WHERE profile = OLD.profile AND standing = OLD.standing;
	INSERT INTO slot_user_counts (profile, standing, n) VALUES (NEW.profile, NEW.standing, 1)
	    ON CONFLICT DO UPDATE SET n = n + 1;
END;

-- Any three characters of what people look for slots by. It follows in batches (store/slot_search.c): slots whose texts are
-- others by now wait in slot_text_due. slot_texts holds what is indexed, as taking it out needs exactly that.
CREATE TABLE slot_texts (
	number INTEGER PRIMARY KEY,
	text TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE slot_text USING fts5 (text, content = 'slot_texts', content_rowid = 'number', detail = none, columnsize = 0,
	tokenize = 'trigram');
CREATE TABLE slot_text_due (number INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER slots_text AFTER UPDATE OF subject, serial, thumbprint ON slots
WHEN OLD.subject <> NEW.subject OR OLD.serial <> NEW.serial OR OLD.thumbprint <> NEW.thumbprint
BEGIN INSERT INTO slot_text_due (number) VALUES (NEW.number) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER slots_text_device AFTER UPDATE OF name ON devices WHEN OLD.name <> NEW.name
BEGIN INSERT INTO slot_text_due (number) SELECT number FROM slots WHERE device = NEW.id ON CONFLICT DO NOTHING; END;
CREATE TRIGGER slots_text_user AFTER UPDATE OF upn ON users WHEN OLD.upn <> NEW.upn COLLATE BINARY
BEGIN
	INSERT INTO slot_text_due (number) SELECT number FROM slots WHERE user_id = NEW.id
	    AND user_id <> x'00000000000000000000000000000000' ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER slots_text_user_gone AFTER DELETE ON users
BEGIN
	INSERT INTO slot_text_due (number) SELECT number FROM slots WHERE user_id = OLD.id
	    AND user_id <> x'00000000000000000000000000000000' ON CONFLICT DO NOTHING;
END;

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
	sent TEXT NOT NULL, ca_request TEXT NOT NULL, unissued INTEGER NOT NULL,
	created INTEGER NOT NULL, updated INTEGER NOT NULL,
	due INTEGER GENERATED ALWAYS AS
	    (CASE state WHEN 1 THEN max(not_before, created / 1000) WHEN 2 THEN lease_until END) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX requests_open ON requests (slot, kind, about) WHERE state <= 4;
CREATE INDEX requests_slot ON requests (slot, kind, created);
CREATE INDEX requests_lease ON requests (ca, kind, due, created) WHERE state <= 2;
CREATE INDEX requests_due ON requests (state, due) WHERE state <= 2;
CREATE INDEX requests_state ON requests (state);
CREATE INDEX requests_revoke ON requests (number) WHERE kind = 2;
-- How many are queued (1) and leased (2), by profile: kept with every request that comes, moves or goes.
CREATE TABLE queue_counts (
	profile BLOB NOT NULL, state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (profile, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER requests_counted AFTER INSERT ON requests WHEN NEW.state <= 2 BEGIN
	INSERT INTO queue_counts (profile, state, n) SELECT profile, NEW.state, 1 FROM slots WHERE id = NEW.slot
	    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER requests_moved AFTER UPDATE OF state ON requests WHEN OLD.state <> NEW.state AND min(OLD.state, NEW.state) <= 2 BEGIN
	UPDATE queue_counts SET n = n - 1 WHERE profile = (SELECT profile FROM slots WHERE id = OLD.slot) AND state = OLD.state;
	INSERT INTO queue_counts (profile, state, n) SELECT profile, NEW.state, 1 FROM slots WHERE id = NEW.slot AND NEW.state <= 2
	    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER requests_deleted AFTER DELETE ON requests WHEN OLD.state <= 2 BEGIN
	UPDATE queue_counts SET n = n - 1 WHERE profile = (SELECT profile FROM slots WHERE id = OLD.slot) AND state = OLD.state;
END;

CREATE TABLE events (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	slot BLOB NOT NULL, request BLOB NOT NULL, at INTEGER NOT NULL,
	actor TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL, fault TEXT NOT NULL,
	count INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT;
CREATE INDEX events_slot ON events (slot, seq);
CREATE INDEX events_until ON events (until);
-- What became of events that were too old to keep: how many there were in each month (of 30 days, counted from 1970).
CREATE TABLE event_counts (
	month INTEGER NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL, fault TEXT NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (month, actor, event, fault)
) STRICT, WITHOUT ROWID;

-- Reports: few, and kept for hours.
CREATE TABLE reports (
	id TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL, format TEXT NOT NULL,
	columns TEXT NOT NULL, filter TEXT NOT NULL, search TEXT NOT NULL,
	state INTEGER NOT NULL, cursor BLOB NOT NULL, rows INTEGER NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL,
	token TEXT NOT NULL UNIQUE, detail TEXT NOT NULL,
	created INTEGER NOT NULL, expires INTEGER NOT NULL,
	owner TEXT NOT NULL, tags TEXT NOT NULL
) STRICT;
CREATE TABLE report_parts (
	report TEXT NOT NULL COLLATE NOCASE REFERENCES reports (id) ON DELETE CASCADE,
	start INTEGER NOT NULL, -- in the whole
	bytes BLOB NOT NULL,
	PRIMARY KEY (report, start)
) STRICT;

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

-- Custom roles; the built-in ones are in the program, so a role has no foreign key.
CREATE TABLE roles (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	display_name TEXT NOT NULL COLLATE NOCASE UNIQUE,
	description TEXT NOT NULL, permissions TEXT NOT NULL, scope_tags TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

CREATE TABLE role_assignments (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	role BLOB NOT NULL CHECK (length(role) = 16),
	display_name TEXT NOT NULL, description TEXT NOT NULL,
	members TEXT NOT NULL, scope_tags TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE INDEX role_assignments_role ON role_assignments (role);

-- Who is a member of an assignment: an identifier as text, or the name of a group at the outside issuer.
CREATE TABLE role_members (
	member TEXT NOT NULL COLLATE NOCASE,
	assignment BLOB NOT NULL REFERENCES role_assignments (id) ON DELETE CASCADE,
	PRIMARY KEY (member, assignment)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_members_assignment ON role_members (assignment);

-- Where notifications go. secret: of a webhook, for its signature. cursor: failures up to this time were told.
CREATE TABLE notice_targets (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	display_name TEXT NOT NULL COLLATE NOCASE UNIQUE,
	kind INTEGER NOT NULL, address TEXT NOT NULL, secret TEXT NOT NULL,
	expiry INTEGER NOT NULL, failure INTEGER NOT NULL, period INTEGER NOT NULL, enabled INTEGER NOT NULL,
	cursor INTEGER NOT NULL, told INTEGER NOT NULL, told_expiry INTEGER NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

-- Notifications on their way; state 1 waiting, 2 delivered, 3 given up.
CREATE TABLE notices (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	target BLOB NOT NULL REFERENCES notice_targets (id) ON DELETE CASCADE,
	state INTEGER NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, detail TEXT NOT NULL,
	tries INTEGER NOT NULL, next INTEGER NOT NULL, created INTEGER NOT NULL, ended INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_due ON notices (next) WHERE state = 1;
CREATE INDEX notices_target ON notices (target);

CREATE TABLE logins (
	code_hash BLOB NOT NULL PRIMARY KEY,
	user_code TEXT NOT NULL UNIQUE,
	app BLOB NOT NULL, admin BLOB NOT NULL, scope TEXT NOT NULL,
	state INTEGER NOT NULL, failures INTEGER NOT NULL,
	created INTEGER NOT NULL, expires INTEGER NOT NULL, polled INTEGER NOT NULL,
	challenge TEXT NOT NULL, redirect TEXT NOT NULL, offline INTEGER NOT NULL
) STRICT;
CREATE INDEX logins_expires ON logins (expires);

CREATE TABLE refreshes (
	id BLOB NOT NULL PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE, before BLOB NOT NULL,
	app BLOB NOT NULL, admin BLOB NOT NULL, scope TEXT NOT NULL,
	created INTEGER NOT NULL, used INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT;
CREATE INDEX refreshes_before ON refreshes (before);
CREATE INDEX refreshes_admin ON refreshes (admin, used);
CREATE INDEX refreshes_expires ON refreshes (expires);

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
CREATE INDEX audit_at ON audit (at);

-- The newest line of each chain, so that lines missing at its end show as well.
CREATE TABLE chains (
	name TEXT NOT NULL PRIMARY KEY,
	seq INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;
