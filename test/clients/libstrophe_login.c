/* Logs in by certificate with libstrophe. The arguments, in order:
 *
 * jid       the client's bare JID
 * port      on 127.0.0.1
 * tls       starttls or direct_tls
 * ca        file of the CA of the server
 * cert      file of the certificate, or of a PKCS#12; empty: no certificate
 * key       file of its key; empty: cert is a PKCS#12
 * password  of the PKCS#12
 *
 * Prints a JSON object: outcome, session_start, failed_auth, no_auth or disconnected; jid, or
 * condition. libstrophe keeps the condition to itself, but for its log.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strophe.h>

enum { JID = 1, PORT, TLS, CA, CERT, KEY, PASSWORD, COUNT };

#define SECONDS 60

static char condition[64];
static int offered, features_seen;
static char bound_jid[3072];
static char **arguments;

/* What comes from the server, word by word. */
static void log_line(void *userdata, xmpp_log_level_t level, const char *area, const char *message)
{
	const char *failure;

	(void)userdata;
	(void)level;
	fprintf(stderr, "%s %s\n", area, message);
	if (strncmp(message, "RECV: ", 6) != 0)
		return;
	/* The first features behind TLS. */
	if (strstr(message, "features") && !strstr(message, "<starttls") && !features_seen) {
		features_seen = 1;
		offered = strstr(message, ">EXTERNAL<") != NULL;
	}
	failure = strstr(message, "<failure");
	if (failure && !condition[0]) {
		failure = strchr(failure, '>');
		if (failure)
			sscanf(failure, "><%63[a-z-]", condition);
	}
}

static int password(char *buffer, size_t size, xmpp_conn_t *connection, void *userdata)
{
	(void)connection;
	(void)userdata;
	return snprintf(buffer, size, "%s", arguments[PASSWORD]);
}

static void changed(xmpp_conn_t *connection, xmpp_conn_event_t event, int error,
		    xmpp_stream_error_t *stream_error, void *context)
{
	(void)error;
	(void)stream_error;
	if (event == XMPP_CONN_CONNECT) {
		snprintf(bound_jid, sizeof(bound_jid), "%s", xmpp_conn_get_bound_jid(connection));
		xmpp_disconnect(connection);
	} else {
		xmpp_stop(context);
	}
}

static int late(xmpp_ctx_t *context, void *userdata)
{
	(void)context;
	(void)userdata;
	fprintf(stderr, "no outcome in %d seconds\n", SECONDS);
	exit(1);
}

int main(int argc, char **argv)
{
	xmpp_log_t log = { log_line, NULL };
	xmpp_ctx_t *context;
	xmpp_conn_t *connection;
	long flags;

	if (argc != COUNT)
		return 2;
	arguments = argv;
	flags = strcmp(argv[TLS], "direct_tls") == 0 ? XMPP_CONN_FLAG_LEGACY_SSL
						      : XMPP_CONN_FLAG_MANDATORY_TLS;
	xmpp_initialize();
	context = xmpp_ctx_new(NULL, &log);
	connection = xmpp_conn_new(context);
	xmpp_conn_set_flags(connection, flags);
	xmpp_conn_set_cafile(connection, argv[CA]);
	xmpp_conn_set_jid(connection, argv[JID]);
	xmpp_conn_set_password_callback(connection, password, NULL);
	if (argv[CERT][0])
		xmpp_conn_set_client_cert(connection, argv[CERT], argv[KEY][0] ? argv[KEY] : NULL);
	xmpp_global_timed_handler_add(context, late, SECONDS * 1000, NULL);
	if (xmpp_connect_client(connection, "127.0.0.1", atoi(argv[PORT]), changed, context) ==
	    XMPP_EOK)
		xmpp_run(context);

	if (bound_jid[0])
		printf("{\"outcome\": \"session_start\", \"jid\": \"%s\"}\n", bound_jid);
	else if (condition[0])
		printf("{\"outcome\": \"failed_auth\", \"condition\": \"%s\"}\n", condition);
	else
		printf("{\"outcome\": \"%s\"}\n",
		       features_seen && !offered ? "no_auth" : "disconnected");
	return 0;
}
