/*
 * config - etc/vacd.conf (libconfuse)
 *
 * One table in config.c holds every key: name, type, default, limits, text. The sample file and the
 * man page are held against it by a test. An unknown key is an error with file and line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum config_deliver {
	CONFIG_DELIVER_HOLD, /* send nothing: a restored or copied database mails nobody */
	CONFIG_DELIVER_SMTP,
};

enum config_mail_tls {
	CONFIG_TLS_IMPLICIT, /* TLS from the first byte (RFC 8314), port 465 */
	CONFIG_TLS_STARTTLS, /* RFC 3207, port 587 */
};

enum config_mail_auth {
	CONFIG_AUTH_NONE,
	CONFIG_AUTH_PLAIN,
	CONFIG_AUTH_LOGIN,
	CONFIG_AUTH_XOAUTH2,
};

enum config_client_cert {
	CONFIG_CLIENT_CERT_NONE, /* not asked for */
	CONFIG_CLIENT_CERT_OPTIONAL,
	CONFIG_CLIENT_CERT_REQUIRED, /* no connection without */
};

/* All strings are owned by the struct; optional ones are "" when not set. Times as their names say. */
struct config {
	/* database */
	char *database;               /* libpq connection string, without a password */
	char *database_password_file; /* "" or a file read at each connection */
	long database_timeout_ms; /* longest a query may take before the connection is dropped */
	/* mail */
	enum config_deliver deliver;
	char *mail_from; /* vacd@agency.example */
	char *mail_host;
	long mail_port;
	enum config_mail_tls mail_tls;
	char *mail_ca_file;   /* "" is the system's */
	char *mail_crl_file;  /* lists of revoked certificates, "" for none */
	char *mail_cert_file; /* client certificate, "" for none */
	char *mail_key_file;
	char *smime_cert_file; /* what mails are signed with, "" for none */
	char *smime_key_file;
	enum config_mail_auth mail_auth;
	char *mail_user;
	char *mail_secret_file; /* password or XOAUTH2 token, read at each login */
	long mail_connections;
	long mail_timeout_ms; /* 0: RFC 5321 4.5.3.2; tests set it shorter */
	char *mail_helo;      /* "" is the host's name */
	/* mail in */
	char *lmtp_socket; /* "" for none but what systemd opens */
	char *lmtp_socket_group;
	char *lmtp_users, *lmtp_groups; /* names, blanks between; both "": whoever can open it */
	char *lmtp_delimiter;           /* each of its characters */
	long lmtp_connections;
	long lmtp_size_max; /* octets of a mail */
	long lmtp_idle_ms;
	long lmtp_mail_ms;
	/* tokens */
	char *token_key_file; /* lines "keyid hex", the first is used for new mail */
	/* answers */
	char *authserv_id; /* RFC 8601: the server whose Authentication-Results count; "" is none */
	/* history */
	char *history_key_file; /* PEM: what signs heads and checkpoints of the chain; "" is none */
	char *history_head_file; /* where signed heads are written; "" is nowhere */
	long history_head_ms;    /* how often the head is told, when it has moved */
	/* stages */
	long poll_ms;        /* slow poll beside NOTIFY */
	long lease_ms;       /* how long a claim holds */
	long dispatch_batch; /* most requests planned together */
	long mail_batch;     /* most messages claimed together */
	/* intake */
	char *intake_listen; /* ADDRESS:PORT; "" is no intake */
	char *intake_cert_file, *intake_key_file;
	char *intake_ca_file;  /* of clients' certificates; "": they are known by tokens only */
	char *intake_crl_file; /* "": no client's certificate is looked up */
	enum config_client_cert intake_client_cert;
	long intake_connections;
	long intake_size_max; /* octets of a request's body */
	long intake_request_ms; /* for a request to come in whole, and for the database to answer it */
	long intake_idle_ms;    /* between two requests */
	long intake_rate;       /* requests of a client in a minute */
	char *metrics_listen; /* ADDRESS:PORT, without TLS; "" is none */
	/* other */
	char *log_level; /* error warning notice info debug */
};

/*
 * Reads path into a new *config. Values that are paths and start with "$CREDENTIALS_DIRECTORY/" are
 * resolved against that environment variable. Returns 0, -ENOMEM, or CONFIG_INVALID with one line of
 * text ("FILE:LINE: key: what is wrong and what to do") in error.
 */
enum { CONFIG_INVALID = 1 };
int config_read(const char *path, struct config **configp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
struct config *config_free(struct config *config);

/* Writes the table for the lint test: name, type, default, one a line, tab between. */
void config_print_table(void);
