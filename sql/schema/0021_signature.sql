-- Mails that are signed (S/MIME): a signature is made once and kept, so that a second copy is equal to the byte.
-- The signed text is not: it holds the token, which no copy of a database may hold, and is written anew.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.
ALTER TABLE vac_store.message ADD COLUMN signature text CHECK (signature ~ '^[A-Za-z0-9+/]+={0,2}$');
COMMENT ON COLUMN vac_store.message.signature IS
	'Signature in CMS (RFC 5652), DER in base64, that goes out beside the text; made before the first final dot; NULL: none is configured, or none was made yet';
