-- Schema 1 of the certification authorities. Times are seconds since 1970 in UTC (the journal: milliseconds), hashes
-- their bytes. "" and empty bytes mean: not there.

CREATE TABLE cas (
	name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	key_file TEXT NOT NULL, cert BLOB NOT NULL, issuer TEXT NOT NULL,
	crl_url TEXT NOT NULL, aia_url TEXT NOT NULL,
	crl_number INTEGER NOT NULL, crl BLOB NOT NULL, crl_next INTEGER NOT NULL,
	created INTEGER NOT NULL
) STRICT;

CREATE TABLE templates (
	name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	display_name TEXT NOT NULL, oid TEXT NOT NULL,
	schema INTEGER NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL,
	flags INTEGER NOT NULL, name_flags INTEGER NOT NULL, enrolment_flags INTEGER NOT NULL,
	private_key_flags INTEGER NOT NULL,
	key_usage INTEGER NOT NULL, min_key_bits INTEGER NOT NULL,
	validity INTEGER NOT NULL, overlap INTEGER NOT NULL,
	ekus TEXT NOT NULL, order_required INTEGER NOT NULL, published INTEGER NOT NULL, cas TEXT NOT NULL,
	created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX templates_oid ON templates (oid) WHERE oid <> '';

CREATE TABLE principals (
	name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
	cert_sha256 BLOB NOT NULL,
	ca_rights INTEGER NOT NULL, enabled INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX principals_cert ON principals (cert_sha256) WHERE cert_sha256 <> x'';

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
	ca TEXT NOT NULL COLLATE NOCASE, template TEXT NOT NULL, requester TEXT NOT NULL,
	state INTEGER NOT NULL,
	serial TEXT NOT NULL COLLATE NOCASE, subject TEXT NOT NULL, san TEXT NOT NULL,
	tbs BLOB NOT NULL, cert BLOB NOT NULL, cert_sha256 BLOB NOT NULL, spki_sha256 BLOB NOT NULL,
	order_id BLOB NOT NULL, fence INTEGER NOT NULL,
	slot BLOB NOT NULL, device BLOB NOT NULL, user_id BLOB NOT NULL, profile BLOB NOT NULL,
	not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
	requested INTEGER NOT NULL, resolved INTEGER NOT NULL,
	reason INTEGER NOT NULL, revoked INTEGER NOT NULL,
	hresult INTEGER NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX issued_serial ON issued (ca, serial) WHERE serial <> '';
CREATE UNIQUE INDEX issued_cert ON issued (cert_sha256) WHERE cert_sha256 <> x'';
CREATE INDEX issued_order ON issued (order_id, id) WHERE order_id <> x'00000000000000000000000000000000';
CREATE INDEX issued_open ON issued (id) WHERE state = 1;
CREATE INDEX issued_revoked_since ON issued (requester, revoked, id) WHERE state = 3;
CREATE INDEX issued_revoked ON issued (ca, not_after) WHERE state = 3;

CREATE TABLE orders (
	order_id BLOB NOT NULL PRIMARY KEY CHECK (length(order_id) = 16),
	fence INTEGER NOT NULL,
	closed INTEGER NOT NULL
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
