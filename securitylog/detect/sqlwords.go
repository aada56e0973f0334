package detect

// keyword is what a word means to the SQL rules.
type keyword uint8

const (
	kwNone     keyword = iota
	kwBool             // or, and, xor
	kwNot              // not, binary
	kwCompare          // like, rlike, regexp, between, in, is, div, mod
	kwUnion            // union, intersect, except, minus
	kwAll              // all, distinct
	kwSelect           // select
	kwFrom             // from
	kwWhere            // where, having, on
	kwOrder            // order, group
	kwBy               // by
	kwLimit            // limit, offset, procedure
	kwInto             // into
	kwOutfile          // outfile, dumpfile
	kwNull             // null, true, false
	kwInsert           // insert, replace
	kwUpdate           // update
	kwDelete           // delete
	kwSet              // set
	kwValues           // values
	kwDrop             // drop, create, alter, truncate
	kwObject           // table, database, user
	kwExec             // exec, execute, call
	kwDeclare          // declare
	kwWaitfor          // waitfor
	kwDelay            // delay, time
	kwShutdown         // shutdown
	kwCase             // case, when, then, if, exists
	kwSchema           // names of system tables and of what only an attacker asks
	kwTime             // functions that wait or burn time
	kwDanger           // functions that leak through errors, read files or run commands
	kwFunction         // ordinary functions
	kwCast             // as, collate, escape and other connecting words
)

var keywords = func() *dictionary[keyword] {
	m := map[string]keyword{}
	add := func(k keyword, names ...string) {
		for _, n := range names {
			m[n] = k
		}
	}
	add(kwBool, "or", "and", "xor")
	add(kwNot, "not", "binary")
	add(kwCompare, "like", "ilike", "rlike", "regexp", "glob", "between", "in", "is", "div", "mod", "sounds", "similar", "notnull", "isnull", "match", "against", "overlaps")
	add(kwUnion, "union", "intersect", "except", "minus")
	add(kwAll, "all", "distinct", "distinctrow", "any", "some", "top")
	add(kwSelect, "select", "unionselect")
	add(kwFrom, "from", "join")
	add(kwWhere, "where", "having", "on", "rownum")
	add(kwOrder, "order", "group", "partition")
	add(kwBy, "by")
	add(kwLimit, "limit", "offset", "procedure", "fetch")
	add(kwInto, "into")
	add(kwOutfile, "outfile", "dumpfile", "infile")
	add(kwNull, "null", "true", "false", "nan", "unknown")
	add(kwInsert, "insert", "replace", "merge", "load", "copy", "bulk", "handler")
	add(kwUpdate, "update")
	add(kwDelete, "delete")
	add(kwSet, "set")
	add(kwValues, "values", "value")
	add(kwDrop, "drop", "create", "alter", "truncate", "rename", "grant", "revoke", "backup", "restore", "analyze", "attach", "detach", "comment")
	add(kwObject, "table", "tables", "database", "schema", "user", "role", "login", "view", "index", "trigger", "function", "column", "sequence", "tablespace", "session", "system", "temporary", "temp", "external", "materialized", "domain", "type")
	add(kwExec, "exec", "execute", "call", "immediate")
	add(kwDeclare, "declare", "begin")
	add(kwWaitfor, "waitfor")
	add(kwDelay, "delay", "time")
	add(kwShutdown, "shutdown")
	add(kwCase, "case", "when", "then", "else", "end", "if", "iif", "exists", "elt", "ifnull", "nullif", "decode", "nvl", "coalesce", "choose")
	add(kwSchema, "information_schema", "sysobjects", "syscolumns", "sysusers", "syslogins", "sysdatabases", "sysprocesses", "sysaux", "pg_catalog", "pg_user", "pg_shadow", "pg_tables", "pg_database", "pg_class",
		"pg_stat_activity", "pg_authid", "pg_roles", "sqlite_master", "sqlite_temp_master", "sqlite_schema", "all_tables", "all_users", "all_tab_columns", "user_tables", "user_tab_columns", "user_objects", "dba_users",
		"dba_tables", "user_users", "all_objects", "msysaccessobjects", "msysobjects", "mysysobjects", "sysibm", "syscat", "sysmaster", "systables", "user$", "sysdummy1", "v$version", "v$instance", "v$database", "v$session", "rdb$database", "rdb$fields", "rdb$types",
		"rdb$relations", "rdb$functions", "rdb$collations", "domain.domains", "performance_schema", "table_name", "column_name", "table_schema", "column_names", "schema_name", "schemata", "user_db_links", "global_name", "dual", "sysservers", "master", "dbo", "innodb_index_stats", "innodb_table_stats", "db_name", "user_name")
	add(kwTime, "sleep", "pg_sleep", "pg_sleep_for", "benchmark", "dbms_pipe", "dbms_lock", "dbms_session", "randomblob", "generate_series", "receive_message", "user_lock", "wait_for", "get_lock")
	add(kwDanger, "extractvalue", "updatexml", "xmltype", "utl_inaddr", "utl_http", "utl_file", "httpuritype", "ctxsys", "gtid_subset", "gtid_subtract", "json_keys", "st_latfromgeohash", "geometrycollection", "polygon", "multipoint",
		"multilinestring", "multipolygon", "linestring", "load_file", "xp_cmdshell", "xp_dirtree", "xp_fileexist", "xp_regread", "xp_regwrite", "xp_regdeletekey", "xp_regdeletevalue", "xp_regaddmultistring", "xp_regenumkeys", "xp_regenumvalues", "xp_regremovemultistring",
		"xp_availablemedia", "xp_subdirs", "xp_servicecontrol", "xp_terminate_process", "xp_loginconfig", "xp_enumgroups", "xp_enumdsn", "xp_makecab", "xp_ntsec_enumdomains", "xp_sendmail", "xp_startmail", "xp_execresultset", "xp_logevent", "xp_msver", "sp_executesql", "sp_oacreate", "sp_oamethod", "sp_configure", "sp_makewebtask", "sp_password", "sp_who", "sp_addlogin", "sp_addsrvrolemember", "sp_addextendedproc", "sp_helpdb",
		"openrowset", "opendatasource", "openquery", "sys_eval", "sys_exec", "sys_get", "dbms_java", "dbms_scheduler", "dbms_xmlgen", "dbms_ldap", "dbms_export_extension", "dbms_assert", "dbms_utility", "dbms_sql", "dbms_xslprocessor", "dbms_metadata", "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "lo_import", "lo_export", "lo_from_bytea",
		"dblink", "dblink_connect", "query_to_xml", "database_to_xml", "regexp_substring", "fn_xe_file_target_read_file", "fn_get_audit_file", "fn_trace_gettable", "load_extension", "makeset", "make_set", "name_const", "procedure_analyse", "current_setting", "has_dbaccess", "is_srvrolemember", "is_member", "master..xp_cmdshell", "drithsx", "get_host_address", "crypt_key", "uncompress", "array_tablesubspace")
	add(kwFunction, "concat", "concat_ws", "group_concat", "char", "chr", "nchar", "ascii", "ord", "substr", "substring", "mid", "left", "right", "length", "len", "char_length", "hex", "unhex", "md5", "sha1", "count", "sum", "min", "max", "avg", "cast", "convert", "version",
		"database", "user", "current_user", "session_user", "system_user", "username", "schema", "rand", "floor", "ceil", "round", "exp", "pow", "lower", "upper", "lcase", "ucase", "trim", "ltrim", "rtrim", "reverse", "rpad", "lpad", "repeat", "space", "quote", "instr", "position", "locate", "find_in_set", "field", "bin", "conv", "compress", "aes_decrypt", "aes_encrypt", "encode",
		"str", "stuff", "quotename", "json_extract", "json_depth", "json_object", "json_array", "json_quote", "row_count", "last_insert_id", "row", "isnull", "to_char", "to_number", "translate", "db_name", "user_name", "host_name", "suser_sname", "object_id", "col_name", "string_agg", "array_agg", "array_to_string", "xmlagg", "xmlelement", "listagg", "wm_concat", "sqlite_version", "typeof", "unicode", "likelihood", "printf", "make_date", "abs", "sqrt", "sign", "soundex", "rownum", "regexp_like", "regexp_replace", "regexp_instr", "date", "now", "sysdate", "curdate", "curtime", "current_date", "current_timestamp", "current_database", "current_schema", "getpgusername", "pi", "sin", "cos", "ln", "log10", "strcmp", "greatest", "least", "json_valid", "json_keys",
		"json_build_object", "jsonb_pretty", "jsonb_path_query", "json_each", "lo_get", "overlay", "starts_with", "unistr", "lpad", "tz_offset", "to_timestamp_tz", "uuid", "pg_client_encoding", "inet_server_addr", "xp_instance_regread")
	add(kwCast, "as", "collate", "escape", "using", "asc", "desc", "nulls", "first", "last", "inner", "outer", "cross", "natural", "separator", "ns", "for", "with", "nowait", "over", "returning", "varchar", "int", "signed", "unsigned", "numeric", "decimal", "analyse", "boolean", "mode")
	return dictionaryOf(m)
}()

// sqlProseStops are SQL words that do not make a sentence of the words around them.
var sqlProseStops = wordSet([]string{
	"select", "from", "where", "and", "or", "union", "all", "insert", "into", "update", "delete", "set", "drop", "table", "order", "group", "by", "having", "limit", "null", "not", "like",
	"between", "exists", "waitfor", "delay", "declare", "exec", "execute", "users", "user", "case", "when", "then", "else", "end", "is", "in", "as", "procedure", "analyse", "values", "distinct", "rlike",
	"create", "alter", "database", "regexp", "outfile", "shutdown", "with", "nowait", "on", "asc", "desc", "count", "name", "password", "id", "false", "true", "column", "xor", "identified", "temporary", "tablespace", "default", "dual", "sleep",
})
