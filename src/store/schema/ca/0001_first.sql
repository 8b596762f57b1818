-- Schema 1 of the certification authorities. Times are seconds since 1970 in UTC (the journal: milliseconds), hashes
-- their bytes. "" and empty bytes mean: not there.

CREATE TABLE cas (
	name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	key_file TEXT NOT NULL, cert BLOB NOT NULL, issuer TEXT NOT NULL,
	crl_url TEXT NOT NULL, aia_url TEXT NOT NULL, ocsp_url TEXT NOT NULL,
	crl_number INTEGER NOT NULL,
	created INTEGER NOT NULL,
	role INTEGER NOT NULL, key_index INTEGER NOT NULL, cert_index INTEGER NOT NULL
) STRICT;

-- Every certificate that a CA had, with the key that it is for; the newest is in cas as well.
CREATE TABLE ca_certs (
	ca TEXT NOT NULL COLLATE NOCASE, cert_index INTEGER NOT NULL,
	key_index INTEGER NOT NULL, key_file TEXT NOT NULL, cert BLOB NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (ca, cert_index)
) STRICT, WITHOUT ROWID;

-- A key that was made for a CA and waits for its certificate from above.
CREATE TABLE ca_next_keys (
	ca TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	key_file TEXT NOT NULL, new_key INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE templates (
	name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	display_name TEXT NOT NULL, oid TEXT NOT NULL,
	schema INTEGER NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL,
	flags INTEGER NOT NULL, name_flags INTEGER NOT NULL, enrolment_flags INTEGER NOT NULL,
	private_key_flags INTEGER NOT NULL,
	key_usage INTEGER NOT NULL, min_key_bits INTEGER NOT NULL,
	validity INTEGER NOT NULL, overlap INTEGER NOT NULL,
	ekus TEXT NOT NULL, order_required INTEGER NOT NULL, published INTEGER NOT NULL, cas TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL,
	algorithms TEXT NOT NULL, overrides TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX templates_oid ON templates (oid) WHERE oid <> '';

CREATE TABLE principals (
	name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	cert_sha256 BLOB NOT NULL,
	password TEXT NOT NULL,
	ca_rights INTEGER NOT NULL, enabled INTEGER NOT NULL, created INTEGER NOT NULL,
	is_group INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX principals_cert ON principals (cert_sha256) WHERE cert_sha256 <> x'';

-- Groups of principals are rows of principals as well, so rights are given to them alike.
CREATE TABLE principal_members (
	member TEXT NOT NULL COLLATE NOCASE REFERENCES principals (name) ON DELETE CASCADE,
	in_group TEXT NOT NULL COLLATE NOCASE REFERENCES principals (name) ON DELETE CASCADE,
	PRIMARY KEY (member, in_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX principal_members_group ON principal_members (in_group);

CREATE TABLE template_rights (
	template TEXT NOT NULL COLLATE NOCASE REFERENCES templates (name) ON DELETE CASCADE,
	principal TEXT NOT NULL COLLATE NOCASE REFERENCES principals (name) ON DELETE CASCADE,
	allowed INTEGER NOT NULL, denied INTEGER NOT NULL,
	PRIMARY KEY (template, principal)
) STRICT, WITHOUT ROWID;
CREATE INDEX template_rights_principal ON template_rights (principal);

CREATE TABLE order_keys (
	service TEXT NOT NULL PRIMARY KEY,
	spki BLOB NOT NULL
) STRICT;

CREATE TABLE issued (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	ca TEXT NOT NULL COLLATE NOCASE, template TEXT NOT NULL COLLATE NOCASE, requester TEXT NOT NULL COLLATE NOCASE,
	state INTEGER NOT NULL,
	serial TEXT NOT NULL COLLATE NOCASE, subject TEXT NOT NULL, san TEXT NOT NULL,
	tbs BLOB NOT NULL, cert BLOB NOT NULL, cert_sha256 BLOB NOT NULL, spki_sha256 BLOB NOT NULL,
	order_id BLOB NOT NULL, fence INTEGER NOT NULL,
	slot BLOB NOT NULL, device BLOB NOT NULL, user_id BLOB NOT NULL, profile BLOB NOT NULL,
	not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
	requested INTEGER NOT NULL, resolved INTEGER NOT NULL,
	reason INTEGER NOT NULL, revoked INTEGER NOT NULL,
	hresult INTEGER NOT NULL, message TEXT NOT NULL,
	shard INTEGER NOT NULL DEFAULT 0 -- the part of the revocation list that the certificate names; 0: the whole
) STRICT;
CREATE UNIQUE INDEX issued_serial ON issued (ca, serial) WHERE serial <> '';
CREATE UNIQUE INDEX issued_cert ON issued (cert_sha256) WHERE cert_sha256 <> x'';
CREATE INDEX issued_order ON issued (order_id, id) WHERE order_id <> x'00000000000000000000000000000000';
CREATE INDEX issued_open ON issued (id) WHERE state = 1;
-- Keys that are not certified again: those of certificates revoked for keyCompromise or cACompromise.
CREATE INDEX issued_compromised ON issued (spki_sha256) WHERE state = 3 AND reason IN (1, 2);
-- These two hold all that revocation lists are made of.
CREATE INDEX issued_revoked ON issued (ca, not_after, serial, revoked, reason) WHERE state = 3;
CREATE INDEX issued_revoked_shard ON issued (ca, shard, not_after, serial, revoked, reason) WHERE state = 3 AND shard > 0;
CREATE INDEX issued_revoked_at ON issued (ca, revoked, serial, reason) WHERE state = 3;
CREATE INDEX issued_revoked_since ON issued (requester, revoked, id) WHERE state = 3;
-- Lists and counts read this where cells (below) say that something may be; intents, which are few and soon over, are left out.
CREATE INDEX issued_walk ON issued (id, state, ca, template, requester, requested, not_after) WHERE state <> 1;

-- How many records there are of each kind, so that nobody has to count them, by when they were asked for (steps of 2^20 s, 12
-- days) and when they end (2^21 s, 24 days). Their ids lie from first_id to last_id. What is new is in the last cells, so few
-- pages change. Kept by store_issued_insert() and store_issued_update().
CREATE TABLE issued_cells (
	asked INTEGER NOT NULL, ends INTEGER NOT NULL,
	ca TEXT NOT NULL COLLATE NOCASE, template TEXT NOT NULL COLLATE NOCASE, requester TEXT NOT NULL COLLATE NOCASE,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
	PRIMARY KEY (asked, ends, ca, template, requester, state)
) STRICT, WITHOUT ROWID;

-- Any three characters of subjects and alternative names, of the records up to the id in issued_text_upto. It is brought
-- on in batches, beside issuing (store/search.c); the few records after it are read one by one.
CREATE VIRTUAL TABLE issued_text USING fts5 (subject, san, content = 'issued', content_rowid = 'id', columnsize = 0,
	tokenize = 'trigram');
CREATE TABLE issued_text_upto (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	id INTEGER NOT NULL
) STRICT;
INSERT INTO issued_text_upto (one, id) VALUES (1, 0);

CREATE TABLE orders (
	order_id BLOB NOT NULL PRIMARY KEY CHECK (length(order_id) = 16),
	fence INTEGER NOT NULL,
	closed INTEGER NOT NULL,
	approved INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	name TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
	seq INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	actor TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL,
	hash BLOB NOT NULL
) STRICT;

-- The newest line of each chain, so that lines missing at its end show as well.
CREATE TABLE chains (
	name TEXT NOT NULL PRIMARY KEY,
	seq INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests that wait for a manager: what was asked, for the approval to decide on it again. They are of issued in state 6.
CREATE TABLE pending (
	id INTEGER PRIMARY KEY REFERENCES issued (id) ON DELETE CASCADE,
	principal TEXT NOT NULL COLLATE NOCASE,
	caller_sha256 BLOB NOT NULL,
	request BLOB NOT NULL,
	vouched TEXT NOT NULL, stated BLOB NOT NULL, challenge BLOB NOT NULL, sha1 INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_principal ON pending (principal);

-- When something that callers see of the policy changed last, and what the set of policies is known by. Kept by triggers, so
-- that no way to change a template, a right or a CA forgets it.
CREATE TABLE policy_state (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	changed INTEGER NOT NULL
) STRICT;
INSERT INTO policy_state (one, id, changed) VALUES (1, randomblob(16), unixepoch());
CREATE TRIGGER policy_template_new AFTER INSERT ON templates
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_template_changed AFTER UPDATE ON templates
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_template_gone AFTER DELETE ON templates
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_right_new AFTER INSERT ON template_rights
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_right_changed AFTER UPDATE ON template_rights
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_right_gone AFTER DELETE ON template_rights
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_principal_changed AFTER UPDATE OF ca_rights, enabled ON principals
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_member_new AFTER INSERT ON principal_members
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_member_gone AFTER DELETE ON principal_members
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_ca_new AFTER INSERT ON cas
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;
CREATE TRIGGER policy_ca_changed AFTER UPDATE OF cert ON cas WHEN old.cert <> new.cert
	BEGIN UPDATE policy_state SET changed = unixepoch(); END;

-- Which generation of records it is that decides who may ask for what: who passed the gates in one passes them in it again.
-- Kept by triggers for the same reason. A certificate in state 2 is valid, and may be a caller's.
CREATE TABLE gate_state (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	generation INTEGER NOT NULL
) STRICT;
INSERT INTO gate_state (one, generation) VALUES (1, 1);
CREATE TRIGGER gate_template_new AFTER INSERT ON templates
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_template_changed AFTER UPDATE ON templates
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_template_gone AFTER DELETE ON templates
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_right_new AFTER INSERT ON template_rights
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_right_changed AFTER UPDATE ON template_rights
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_right_gone AFTER DELETE ON template_rights
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_principal_new AFTER INSERT ON principals
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_principal_changed AFTER UPDATE ON principals
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_principal_gone AFTER DELETE ON principals
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_member_new AFTER INSERT ON principal_members
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_member_changed AFTER UPDATE ON principal_members
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_member_gone AFTER DELETE ON principal_members
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_ca_new AFTER INSERT ON cas
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_ca_changed AFTER UPDATE ON cas
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_ca_gone AFTER DELETE ON cas
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_setting_new AFTER INSERT ON settings
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_setting_changed AFTER UPDATE ON settings
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_setting_gone AFTER DELETE ON settings
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_order_key_new AFTER INSERT ON order_keys
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_order_key_changed AFTER UPDATE ON order_keys
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_order_key_gone AFTER DELETE ON order_keys
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_certificate_changed AFTER UPDATE OF state ON issued WHEN old.state = 2 AND new.state <> 2
	BEGIN UPDATE gate_state SET generation = generation + 1; END;
CREATE TRIGGER gate_certificate_gone AFTER DELETE ON issued WHEN old.state = 2
	BEGIN UPDATE gate_state SET generation = generation + 1; END;

-- The newest revocation lists: a base (delta 0) and a delta (1) of each CA key, and those of its shards.
CREATE TABLE crls (
	ca TEXT NOT NULL COLLATE NOCASE, key_index INTEGER NOT NULL, shard INTEGER NOT NULL, delta INTEGER NOT NULL,
	number INTEGER NOT NULL,
	this_update INTEGER NOT NULL, next_update INTEGER NOT NULL, next_publish INTEGER NOT NULL,
	der BLOB NOT NULL,
	PRIMARY KEY (ca, key_index, shard, delta)
) STRICT;
CREATE INDEX crls_due ON crls (next_publish) WHERE shard > 0;

-- The two last bases that their schedule brought: of when their data are, and until when they are good.
CREATE TABLE crl_plans (
	ca TEXT NOT NULL COLLATE NOCASE, key_index INTEGER NOT NULL, shard INTEGER NOT NULL,
	base_number INTEGER NOT NULL, older_number INTEGER NOT NULL,
	base_made INTEGER NOT NULL, base_until INTEGER NOT NULL,
	older_made INTEGER NOT NULL, older_until INTEGER NOT NULL,
	PRIMARY KEY (ca, key_index, shard)
) STRICT, WITHOUT ROWID;

-- Certificates released from hold: the next deltas take them off the list.
CREATE TABLE crl_releases (
	ca TEXT NOT NULL COLLATE NOCASE, serial TEXT NOT NULL COLLATE NOCASE,
	at INTEGER NOT NULL,
	PRIMARY KEY (ca, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX crl_releases_at ON crl_releases (ca, at);

-- SCEP: challenges that were given out, by the hash of their text, and what a client's transaction became. A challenge is
-- used up through the table of orders, under its id.
CREATE TABLE challenges (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	sha256 BLOB NOT NULL UNIQUE,
	ca TEXT NOT NULL COLLATE NOCASE, template TEXT NOT NULL, principal TEXT NOT NULL COLLATE NOCASE,
	subject BLOB NOT NULL, san BLOB NOT NULL, subject_text TEXT NOT NULL,
	created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_expires ON challenges (expires);
CREATE INDEX challenges_created ON challenges (created);
-- Sealed orders that wait for the device that shows the challenge; used up like any order, under their id.
CREATE TABLE deposits (
	sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
	ca TEXT NOT NULL COLLATE NOCASE, principal TEXT NOT NULL COLLATE NOCASE,
	sealed BLOB NOT NULL, order_id BLOB NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deposits_expires ON deposits (expires);
CREATE TABLE scep_transactions (
	ca TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL, signer BLOB NOT NULL,
	content BLOB NOT NULL, message BLOB NOT NULL, request INTEGER NOT NULL, seen INTEGER NOT NULL,
	PRIMARY KEY (ca, name, signer)
) STRICT, WITHOUT ROWID;
CREATE INDEX scep_transactions_seen ON scep_transactions (seen);

-- Requests of clients that ask again by sending the same once more.
CREATE TABLE waits (
	principal TEXT NOT NULL COLLATE NOCASE, template TEXT NOT NULL COLLATE NOCASE,
	spki_sha256 BLOB NOT NULL,
	id INTEGER NOT NULL,
	PRIMARY KEY (spki_sha256, principal, template)
) STRICT, WITHOUT ROWID;
