"""The schema as the catalogue shows it: everything is explained, and nothing can hold a victim's data."""

SCHEMAS = ('vac', 'vac_daemon', 'vac_store')


def test_every_table_view_and_sequence_has_a_comment(database):
    bare = database.query('''
        SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relnamespace::regnamespace::text = ANY (%s) AND c.relkind IN ('r', 'v', 'm', 'p')
          AND obj_description(c.oid, 'pg_class') IS NULL''', list(SCHEMAS))
    assert not bare


def test_every_column_has_a_comment(database):
    bare = database.query('''
        SELECT c.oid::regclass::text || '.' || a.attname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace::regnamespace::text = ANY (%s) AND c.relkind IN ('r', 'v', 'm', 'p')
          AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1''', list(SCHEMAS))
    assert not bare


def test_every_function_has_a_comment(database):
    """But what belongs to an extension."""
    bare = database.query('''
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace::regnamespace::text = ANY (%s) AND obj_description(p.oid, 'pg_proc') IS NULL
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')''', list(SCHEMAS))
    assert not bare


# Words that a column for a victim's own data would carry. Names, mail and telephones of offices,
# coordinators and supervisors are there on purpose, each in its own table.
PERSONAL = r'(^|_)(victim|client|person|first|last|given|family|maiden|full)_?(name|surname)|surname|' \
           r'birth|(^|_)dob($|_)|(^|_)ssn($|_)|social_security|passport|alien_number|a_number|street|' \
           r'home_|zip_?code|postal|nationality|citizenship|religion|photo|fingerprint|diagnos'


def test_no_column_for_a_victims_data(database):
    assert not database.query('''
        SELECT c.oid::regclass::text || '.' || a.attname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace::regnamespace::text = ANY (%s) AND a.attname ~* %s''', list(SCHEMAS), PERSONAL)


def test_tables_of_a_case_hold_no_name_address_or_telephone(database):
    assert not database.query('''
        SELECT c.relname, a.attname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'vac_store'::regnamespace AND c.relname IN ('case_record', 'request', 'appointment')
          AND a.attname ~* '(name|phone|address|mail)' ''')


def test_every_table_has_forced_row_level_security(database):
    assert not database.query('''
        SELECT relname FROM pg_class WHERE relnamespace = 'vac_store'::regnamespace AND relkind IN ('r', 'p')
          AND NOT (relrowsecurity AND relforcerowsecurity)
          AND relname NOT IN ('migration', 'installed')''')


def test_views_speak_for_who_asks(database):
    assert not database.query('''
        SELECT relname FROM pg_class WHERE relnamespace = 'vac'::regnamespace AND relkind = 'v'
          AND NOT coalesce(reloptions, '{}') @> ARRAY['security_invoker=true']
          AND NOT coalesce(reloptions, '{}') @> ARRAY['security_invoker=on']''')


def test_definers_pin_their_search_path_and_the_public_may_call_nothing(database):
    assert not database.query('''
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace::regnamespace::text = ANY (%s) AND p.prosecdef
          AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s
              WHERE s LIKE 'search_path=%%' AND s ~ 'pg_temp$')''', list(SCHEMAS))
    assert not database.query('''
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace::regnamespace::text = ANY (%s) AND has_function_privilege('public', p.oid, 'EXECUTE')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')''', list(SCHEMAS))
