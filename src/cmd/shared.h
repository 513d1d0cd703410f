/*
 * Options that several commands have, each written once: rows for the tables
 * of option.h.
 */
#ifndef CMD_SHARED_H
#define CMD_SHARED_H

#include "cmd/option.h"

/* clang-format off */

#define CMD_OPTIONS_CHARSET \
	{0, "charset", "NAME", "what the peer speaks; we speak UTF-8", \
		OPTION_BY(set_charset)}, \
	{0, "charset-errors", "POLICY", "stop (default), replace or escape", \
		OPTION_BY(set_charset_errors)}

#define CMD_OPTIONS_FRAMING \
	{'m', "mode", "MODE", "the framing; see wdsock help modes", \
		OPTION_BY(set_mode)}, \
	{0, "mode-in", "MODE", "the framing of what comes", \
		OPTION_BY(set_mode_in)}, \
	{0, "mode-out", "MODE", "the framing of what goes", \
		OPTION_BY(set_mode_out)}, \
	{0, "max-message", "SIZE", "refuse longer messages (16M)", \
		OPTION_BY(set_max_message)}, \
	CMD_OPTIONS_CHARSET

#define CMD_OPTIONS_MESSAGES \
	{0, "input", "FORMAT", "lines null whole raw json escaped hex", \
		OPTION_BY(set_input)}, \
	{0, "output", "FORMAT", "lines null raw json escaped hex none", \
		OPTION_BY(set_output)}, \
	{0, "format", "FORMAT", "messages as this says; see help formats", \
		OPTION_BY(set_format)}, \
	{'0', "null", NULL, "messages end with NUL, both ways", \
		OPTION_BY(set_null)}, \
	{'j', "json", NULL, "messages are JSON lines, both ways", \
		OPTION_BY(set_json)}, \
	{0, "crlf", NULL, "a CR before LF is not part of a line", \
		OPTION_BY(set_crlf)}, \
	{0, "send", "TEXT", "a message; all --send are the whole input", \
		OPTION_BY(set_send)}, \
	{0, "on-open", "TEXT", "a message to begin each connection with", \
		OPTION_BY(set_on_open)}, \
	{0, "repeat", "N", "say all of the input N times", \
		OPTION_IN(OPTION_COUNT, repeat)}, \
	{0, "interval", "DURATION", "wait between messages", \
		OPTION_IN(OPTION_DURATION, run.talk.interval_ms)}

#define CMD_OPTIONS_LIFE \
	{0, "ask", NULL, "wait for a reply to each message", \
		OPTION_IN(OPTION_FLAG, run.talk.ask)}, \
	{0, "expect", "RE", "a message must match; with --ask each reply", \
		OPTION_BY(set_expect)}, \
	{0, "count", "N", "end after N messages received", \
		OPTION_IN(OPTION_COUNT, count)}, \
	{'1', "one", NULL, "end after one message received", \
		OPTION_IN(OPTION_FLAG, count_one)}, \
	{0, "stay", NULL, "keep our half open when the input ends", \
		OPTION_IN(OPTION_FLAG, run.talk.stay)}, \
	{'N', "half-close", NULL, "close our half when the input ends", \
		OPTION_IN(OPTION_FLAG, run.talk.half_quiet)}, \
	{'q', "quit", "DURATION", "wait for the peer no longer than that", \
		OPTION_IN(OPTION_DURATION, run.talk.quit_ms)}, \
	{'w', "wait", "DURATION", "--connect-timeout and --idle", \
		OPTION_IN(OPTION_DURATION, w_ms)}, \
	{0, "idle", "DURATION", "end when nothing comes or goes", \
		OPTION_IN(OPTION_DURATION, run.talk.idle_ms)}, \
	{0, "reply-timeout", "DURATION", "end when no answer comes", \
		OPTION_IN(OPTION_DURATION, run.talk.reply_ms)}, \
	{0, "deadline", "DURATION", "end after that, whatever happens", \
		OPTION_IN(OPTION_DURATION, run.deadline_ms)}, \
	{0, "linger", "DURATION", "wait for stdin when the peer has closed", \
		OPTION_IN(OPTION_DURATION, run.talk.linger_ms)}, \
	{'v', "verbose", NULL, "say what happens; twice: and why", \
		OPTION_BY(set_verbose)}, \
	{0, "dump", NULL, "show the bytes on the wire, on stderr", \
		OPTION_IN(OPTION_FLAG, run.talk.dump)}

#define CMD_OPTIONS_SERVER \
	{0, "idle", "DURATION", "end a client when nothing comes or goes", \
		OPTION_IN(OPTION_DURATION, run.talk.idle_ms)}, \
	{0, "linger", "DURATION", "wait for input when a client has closed", \
		OPTION_IN(OPTION_DURATION, run.talk.linger_ms)}, \
	{0, "deadline", "DURATION", "end after that, whatever happens", \
		OPTION_IN(OPTION_DURATION, run.deadline_ms)}, \
	{'v', "verbose", NULL, "say what happens; twice: and why", \
		OPTION_BY(set_verbose)}, \
	{0, "dump", NULL, "show the bytes on the wire, on stderr", \
		OPTION_IN(OPTION_FLAG, run.talk.dump)}

#define CMD_OPTION_COLOR \
	{0, "color", "WHEN", "on stderr: auto, always or never", \
		OPTION_BY(set_color)}

#define CMD_OPTIONS_PEOPLE \
	{0, "timestamps", "KIND", "before each line: absolute, start, delta", \
		OPTION_BY(set_timestamps)}, \
	CMD_OPTION_COLOR

#define CMD_OPTIONS_HANDLER \
	{0, "exec", "COMMAND", "a process for each conversation", \
		OPTION_BY(set_exec)}, \
	{0, "sh", "COMMAND", "the same, by /bin/sh", \
		OPTION_BY(set_sh)}, \
	{0, "grace", "DURATION", "what it has to end (2s)", \
		OPTION_IN(OPTION_DURATION, run.handler.grace_ms)}

#define CMD_OPTIONS_SOCKET \
	{'4', "ipv4", NULL, "IPv4 alone", OPTION_IN(OPTION_FLAG, v4)}, \
	{'6', "ipv6", NULL, "IPv6 alone", OPTION_IN(OPTION_FLAG, v6)}, \
	{0, "seqpacket", NULL, "unix: a socket of packets", \
		OPTION_IN(OPTION_FLAG, run.dial.seqpacket)}, \
	{0, "nagle", NULL, "let the kernel collect small writes", \
		OPTION_IN(OPTION_FLAG, run.dial.opts.nagle)}, \
	{0, "keepalive", "DURATION", "probe a peer that is silent so long", \
		OPTION_IN(OPTION_DURATION, keepalive_ms)}, \
	{0, "user-timeout", "DURATION", "give up on what is not acknowledged", \
		OPTION_IN(OPTION_DURATION, user_timeout_ms)}, \
	{0, "send-buffer", "SIZE", "of the socket", \
		OPTION_IN(OPTION_SIZE, run.dial.opts.send_buffer)}, \
	{0, "recv-buffer", "SIZE", "of the socket", \
		OPTION_IN(OPTION_SIZE, run.dial.opts.recv_buffer)}, \
	{0, "tos", "N", "type of service, 0 to 255", \
		OPTION_IN(OPTION_TEXT, tos)}, \
	{0, "congestion", "NAME", "congestion control, such as reno", \
		OPTION_IN(OPTION_TEXT, run.dial.opts.congestion)}, \
	{0, "ttl", "N", "how many routers may pass it on, 1 to 255", \
		OPTION_BY(set_ttl)}, \
	{0, "interface", "NAME", "this interface alone", \
		OPTION_IN(OPTION_TEXT, run.dial.opts.interface)}

#define CMD_OPTIONS_LISTEN \
	{0, "backlog", "N", "how many may wait to be accepted (4096)", \
		OPTION_IN(OPTION_COUNT, backlog)}, \
	{0, "ready-fd", "N", "write the address there, then close it", \
		OPTION_IN(OPTION_TEXT, ready_fd)}, \
	{0, "socket-mode", "MODE", "of the file of a Unix socket, octal", \
		OPTION_IN(OPTION_TEXT, socket_mode)}

#define CMD_OPTIONS_DOOR \
	{0, "allow", "WHO", "let only these in: address, CIDR, host, @FILE", \
		OPTION_BY(set_allow)}, \
	{0, "deny", "WHO", "do not let these in, even if allowed", \
		OPTION_BY(set_deny)}, \
	{0, "deny-with", "HOW", "close (default), reset, or a message", \
		OPTION_BY(set_deny_with)}, \
	{0, "accept-cmd", "COMMAND", "ask a program who may come in", \
		OPTION_BY(set_accept_cmd)}, \
	{0, "accept-cmd-timeout", "DURATION", "what it has to answer (5s)", \
		OPTION_IN(OPTION_DURATION, run.door.ask.limit_ms)}, \
	{0, "proxy-protocol", NULL, "expect a balancer's header of each", \
		OPTION_IN(OPTION_FLAG, run.door.proxied)}, \
	{0, "proxy-from", "WHO", "expect it of these", \
		OPTION_BY(set_proxy_from)}, \
	{0, "defer-accept", NULL, "TCP: accept who has said something", \
		OPTION_IN(OPTION_FLAG, run.listen.defer_accept)}, \
	{0, "reuse-port", NULL, "TCP: share the port with other processes", \
		OPTION_IN(OPTION_FLAG, run.listen.reuse_port)}

#define CMD_OPTIONS_LIMITS \
	{0, "max-clients", "N", "so many at a time, and no more", \
		OPTION_IN(OPTION_COUNT, run.door.clients_max)}, \
	{0, "max-per-ip", "N", "so many from one address (IPv6: a /64)", \
		OPTION_IN(OPTION_COUNT, run.door.per_ip_max)}

/* What a plan of TLS holds as it was typed. */
#define CMD_TLS(kind, field) OPTION_IN(kind, run.secure.tls.field)

#define CMD_OPTIONS_TLS \
	{0, "tls", NULL, "TLS, as if tls: stood before each address", \
		OPTION_IN(OPTION_FLAG, tls)}, \
	{0, "tls-ca", "PATH", "believe this CA: a file, or a directory", \
		CMD_TLS(OPTION_TEXT, ca)}, \
	{0, "tls-pin", "PIN", "believe this key alone: sha256:BASE64", \
		OPTION_BY(set_tls_pin)}, \
	{0, "tls-crl", "FILE", "certificates that are revoked", \
		CMD_TLS(OPTION_TEXT, crl)}, \
	{0, "tls-insecure", NULL, "believe whatever the peer shows", \
		CMD_TLS(OPTION_FLAG, insecure)}, \
	{0, "tls-cert", "FILE", "our certificate and its chain (PEM)", \
		OPTION_BY(set_tls_cert)}, \
	{0, "tls-key", "FILE", "its key, if it is not in the same file", \
		OPTION_BY(set_tls_key)}, \
	{0, "tls-p12", "FILE", "both, as Windows exports them (PKCS#12)", \
		OPTION_BY(set_tls_p12)}, \
	{0, "tls-pass-file", "FILE", "its first line is their pass phrase", \
		OPTION_IN(OPTION_TEXT, phrases.path)}, \
	{0, "tls-alpn", "NAMES", "protocols, with commas, the best first", \
		CMD_TLS(OPTION_TEXT, alpn)}, \
	{0, "tls-min", "VERSION", "1.0, 1.1, 1.2 (the default) or 1.3", \
		OPTION_BY(set_tls_min)}, \
	{0, "tls-max", "VERSION", "the newest version that is spoken", \
		OPTION_BY(set_tls_max)}, \
	{0, "tls-ciphers", "LIST", "as openssl ciphers has them", \
		CMD_TLS(OPTION_TEXT, ciphers)}, \
	{0, "tls-no-close-notify", NULL, "the peer ends without saying so", \
		CMD_TLS(OPTION_FLAG, no_close_notify)}, \
	{0, "tls-keylog", "FILE", "the keys go there, for Wireshark", \
		CMD_TLS(OPTION_TEXT, keylog)}, \
	{0, "tls-handshake-timeout", "DURATION", "what it may take (10s)", \
		OPTION_IN(OPTION_DURATION, tls_handshake_ms)}

#define CMD_OPTIONS_TLS_CLIENT \
	{0, "tls-name", "NAME", "the certificate is to be for this one", \
		CMD_TLS(OPTION_TEXT, name)}

#define CMD_OPTIONS_TLS_SERVER \
	{0, "tls-client", "HOW", "ask for a certificate: require or request", \
		OPTION_BY(set_tls_client)}, \
	{0, "tls-self-signed", NULL, "make a certificate for this run", \
		CMD_TLS(OPTION_FLAG, self_signed)}

#define CMD_OPTIONS_DATAGRAMS \
	{'u', "udp", NULL, "an address without a scheme is one of UDP", \
		OPTION_IN(OPTION_FLAG, udp)}, \
	{0, "broadcast", NULL, "UDP: to broadcast addresses too", \
		OPTION_IN(OPTION_FLAG, run.dial.dgram.broadcast)}, \
	{0, "join", "GROUP", "UDP: be in this group; GROUP%INTERFACE", \
		OPTION_BY(set_join)}, \
	{0, "no-loop", NULL, "UDP: groups, but none of this machine", \
		OPTION_IN(OPTION_FLAG, run.dial.dgram.no_loop)}

/* clang-format on */

#endif
