# fish completion for wdsock and its links

set -l modes windev windev,count=chars windev,count=utf16 windev,tail=NUL \
	end-tag end-tag=CRLF end-tag=LF end-tag=NUL end-tag-buffer raw \
	fixed-header fixed-header=64 until-close lines netstring u8 u16be \
	u16le u32be u32le
set -l inputs lines null whole raw json escaped hex
set -l outputs lines null raw json escaped hex none
set -l directives %m %e %x %b %j %l %n %c %p %d %t %T %r %D
set -l sizes 64K 1M 16M 256M 1G
set -l charsets CP1252 UTF-16LE UTF-16BE UTF-8 ISO-8859-1 ISO-8859-15 \
	CP437 CP850 CP1250 CP1251 CP932 GB18030
set -l durations 100ms 500ms 1s 5s 30s 1m 1h
set -l buffers 16K 64K 256K 1M 4M
set -l commands connect serve-single serve-multi encode decode help
set -l servers serve-single serve-multi
set -l talkers connect $servers
set -l none "not __fish_seen_subcommand_from $commands"

complete -c wdsock -n $none -f
complete -c wdsock -n $none -a connect \
	-d 'connect to a server and exchange messages'
complete -c wdsock -n $none -a serve-single \
	-d 'the simplified server: one client'
complete -c wdsock -n $none -a serve-multi \
	-d 'the standard server: many clients'
complete -c wdsock -n $none -a encode -d 'put messages into frames'
complete -c wdsock -n $none -a decode -d 'take messages out of frames'
complete -c wdsock -n $none -a help -d 'say how to use it'
complete -c wdsock -n $none -l version -d 'the version, and what is built in'
complete -c wdsock -s h -l help -d 'print the options'
complete -c wdsock -n '__fish_seen_subcommand_from help' -f \
	-a "$commands modes formats exit"

# The options of a command stand at "wdsock COMMAND" and at "wdsock-COMMAND".
for cmd in encode decode
	for at in "-c wdsock -n '__fish_seen_subcommand_from $cmd'" \
			"-c wdsock-$cmd"
		set -l more
		test $cmd = decode; and set more auto
		eval complete $at -s m -l mode -x -a "'$modes $more'" \
			-d "'the transmission mode'"
		eval complete $at -l max-message -x -a "'$sizes'" \
			-d "'refuse longer messages'"
		eval complete $at -l charset -x -a "'$charsets'" \
			-d "'what the peer speaks'"
		eval complete $at -l charset-errors -x \
			-a "'stop replace escape'" \
			-d "'what becomes of what cannot be converted'"
		eval complete $at -s 0 -l null -d "'messages end with NUL'"
		eval complete $at -s j -l json -d "'messages are JSON lines'"
		eval complete $at -l color -x -a "'auto always never'" \
			-d "'colours on stderr'"
		eval complete $at -s h -l help -d "'print the options'"
	end
end
for at in "-c wdsock -n '__fish_seen_subcommand_from encode'" "-c wdsock-encode"
	eval complete $at -l input -x -a "'$inputs'" \
		-d "'how messages stand in the input'"
	eval complete $at -l crlf -d "'a CR before LF is not part of a line'"
	eval complete $at -l send -x -d "'a message'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from decode'" "-c wdsock-decode"
	eval complete $at -l output -x -a "'$outputs'" \
		-d "'how messages are written'"
	eval complete $at -l format -x -a "'$directives'" \
		-d "'messages as this says'"
	eval complete $at -l explain -d "'a line for each frame'"
end

# What connect and the servers have in common, what those have that speak with
# one peer at a time, what the servers have, and what each has alone.
for at in "-c wdsock -n '__fish_seen_subcommand_from $talkers'" \
		"-c wdsock-connect" "-c wdsock-serve-single" "-c wdsock-serve-multi"
	eval complete $at -f
	eval complete $at -a "'localhost:8000 127.0.0.1:0 udp: unix:'"
	eval complete $at -a "'unix-dgram: vsock:'"
	eval complete $at -s m -l mode -x -a "'$modes'" \
		-d "'the framing of both directions'"
	eval complete $at -l mode-in -x -a "'$modes'" \
		-d "'the framing of what comes'"
	eval complete $at -l mode-out -x -a "'$modes'" \
		-d "'the framing of what goes'"
	eval complete $at -l max-message -x -a "'$sizes'" \
		-d "'refuse longer messages (16M)'"
	eval complete $at -l charset -x -a "'$charsets'" \
		-d "'what the peer speaks'"
	eval complete $at -l charset-errors -x -a "'stop replace escape'" \
		-d "'what becomes of what cannot be converted'"
	eval complete $at -l input -x -a "'$inputs'" \
		-d "'how messages stand in the input'"
	eval complete $at -l output -x -a "'$outputs'" \
		-d "'how messages are written'"
	eval complete $at -l format -x -a "'$directives'" \
		-d "'messages as this says'"
	eval complete $at -s 0 -l null \
		-d "'messages end with NUL, both ways'"
	eval complete $at -s j -l json \
		-d "'messages are JSON lines, both ways'"
	eval complete $at -l crlf \
		-d "'a CR before LF is not part of a line'"
	eval complete $at -l send -x \
		-d "'a message; all --send are the whole input'"
	eval complete $at -l on-open -x \
		-d "'a message to begin each connection with'"
	eval complete $at -l repeat -x \
		-d "'say all of the input N times'"
	eval complete $at -l interval -x -a "'$durations'" \
		-d "'wait between messages'"
	eval complete $at -l idle -x -a "'$durations'" \
		-d "'end when nothing comes or goes'"
	eval complete $at -l deadline -x -a "'$durations'" \
		-d "'end after that, whatever happens'"
	eval complete $at -l linger -x -a "'$durations'" \
		-d "'wait for input when the peer has closed'"
	eval complete $at -l exec -x -a "'(__fish_complete_command)'" \
		-d "'a process for each conversation'"
	eval complete $at -l sh -x \
		-d "'the same, by /bin/sh'"
	eval complete $at -l grace -x -a "'$durations'" \
		-d "'what it has to end (2s)'"
	eval complete $at -s v -l verbose \
		-d "'say what happens'"
	eval complete $at -l dump \
		-d "'show the bytes on the wire, on stderr'"
	eval complete $at -l timestamps -x -a "'absolute start delta'" \
		-d "'the time before each line'"
	eval complete $at -l color -x -a "'auto always never'" \
		-d "'colours on stderr'"
	eval complete $at -s 4 -l ipv4 \
		-d "'IPv4 alone'"
	eval complete $at -s 6 -l ipv6 \
		-d "'IPv6 alone'"
	eval complete $at -l seqpacket \
		-d "'unix: a socket of packets'"
	eval complete $at -l nagle \
		-d "'let the kernel collect small writes'"
	eval complete $at -l keepalive -x -a "'$durations'" \
		-d "'probe a peer that is silent so long'"
	eval complete $at -l user-timeout -x -a "'$durations'" \
		-d "'give up on what is not acknowledged'"
	eval complete $at -l send-buffer -x -a "'$buffers'" \
		-d "'the send buffer of the socket'"
	eval complete $at -l recv-buffer -x -a "'$buffers'" \
		-d "'the receive buffer of the socket'"
	eval complete $at -l tos -x \
		-d "'type of service, 0 to 255'"
	eval complete $at -l congestion -x -a "'reno cubic bbr'" \
		-d "'congestion control, such as reno'"
	eval complete $at -l ttl -x -a "'1 2 16 64'" \
		-d "'how many routers may pass it on'"
	eval complete $at -s u -l udp \
		-d "'an address without a scheme is one of UDP'"
	eval complete $at -l tls \
		-d "'TLS, as if tls: stood before each address'"
	eval complete $at -l tls-ca -r -F \
		-d "'believe this CA: a file, or a directory'"
	eval complete $at -l tls-pin -x \
		-d "'believe this key alone: sha256:BASE64'"
	eval complete $at -l tls-crl -r -F \
		-d "'certificates that are revoked'"
	eval complete $at -l tls-insecure \
		-d "'believe whatever the peer shows'"
	eval complete $at -l tls-cert -r -F \
		-d "'our certificate and its chain (PEM)'"
	eval complete $at -l tls-key -r -F \
		-d "'its key'"
	eval complete $at -l tls-p12 -r -F \
		-d "'both, as Windows exports them'"
	eval complete $at -l tls-pass-file -r -F \
		-d "'its first line is their pass phrase'"
	eval complete $at -l tls-alpn -x \
		-d "'protocols, the best first'"
	eval complete $at -l tls-min -x -a "'1.0 1.1 1.2 1.3'" \
		-d "'the oldest version'"
	eval complete $at -l tls-max -x -a "'1.0 1.1 1.2 1.3'" \
		-d "'the newest version'"
	eval complete $at -l tls-ciphers -x \
		-d "'as openssl ciphers has them'"
	eval complete $at -l tls-no-close-notify \
		-d "'the peer ends without saying so'"
	eval complete $at -l tls-keylog -r -F \
		-d "'the keys go there, for Wireshark'"
	eval complete $at -l tls-handshake-timeout -x -a "'$durations'" \
		-d "'what it may take (10s)'"
	eval complete $at -l broadcast \
		-d "'UDP: to broadcast addresses too'"
	eval complete $at -l join -x -a "'224.0.0.1 239.255.0.1'" \
		-d "'UDP: be in this group'"
	eval complete $at -l no-loop \
		-d "'UDP: groups, but none of this machine'"
	eval complete $at -l interface -x \
		-d "'this interface alone'"
	eval complete $at -s h -l help \
		-d "'print the options'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from connect serve-single'" \
		"-c wdsock-connect" "-c wdsock-serve-single"
	eval complete $at -l ask \
		-d "'wait for a reply to each message'"
	eval complete $at -l expect -x \
		-d "'a message must match; with --ask each reply'"
	eval complete $at -l count -x \
		-d "'end after N messages received'"
	eval complete $at -s 1 -l one \
		-d "'end after one message received'"
	eval complete $at -l stay \
		-d "'keep our half open when the input ends'"
	eval complete $at -s N -l half-close \
		-d "'close our half when the input ends'"
	eval complete $at -s q -l quit -x -a "'$durations'" \
		-d "'wait for the peer no longer than that'"
	eval complete $at -s w -l wait -x -a "'$durations'" \
		-d "'a timeout of connecting and idling'"
	eval complete $at -l reply-timeout -x -a "'$durations'" \
		-d "'end when no answer comes'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from $servers'" \
		"-c wdsock-serve-single" "-c wdsock-serve-multi"
	eval complete $at -l echo \
		-d "'send back what comes'"
	eval complete $at -l reply -x -a "'$directives'" \
		-d "'answer what comes with what this makes of it'"
	eval complete $at -l backlog -x \
		-d "'how many may wait to be accepted (4096)'"
	eval complete $at -l ready-fd -x -a "'1 3'" \
		-d "'write the address there, then close it'"
	eval complete $at -l socket-mode -x -a "'0600 0660 0666'" \
		-d "'of the file of a Unix socket, octal'"
	eval complete $at -l allow -x -a "'127.0.0.1 ::1 10.0.0.0/8'" \
		-d "'let only these in: address, CIDR, host, @FILE'"
	eval complete $at -l deny -x -a "'127.0.0.1 ::1 10.0.0.0/8'" \
		-d "'do not let these in, even if allowed'"
	eval complete $at -l deny-with -x -a "'close reset'" \
		-d "'close (default), reset, or a message'"
	eval complete $at -l accept-cmd -x -a "'(__fish_complete_command)'" \
		-d "'ask a program who may come in'"
	eval complete $at -l accept-cmd-timeout -x -a "'$durations'" \
		-d "'what it has to answer (5s)'"
	eval complete $at -l proxy-protocol \
		-d "'expect the header of a balancer'"
	eval complete $at -l proxy-from -x -a "'127.0.0.1 ::1 10.0.0.0/8'" \
		-d "'expect it of these'"
	eval complete $at -l defer-accept \
		-d "'TCP: accept who has said something'"
	eval complete $at -l tls-client -x -a "'require request'" \
		-d "'ask for a certificate'"
	eval complete $at -l tls-self-signed \
		-d "'make a certificate for this run'"
	eval complete $at -l reuse-port \
		-d "'TCP: share the port with other processes'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from connect'" \
		"-c wdsock-connect"
	eval complete $at -l connect-timeout -x -a "'$durations'" \
		-d "'give up connecting after it'"
	eval complete $at -l retry -x \
		-d "'connect again, up to N times'"
	eval complete $at -l retry-max -x -a "'$durations'" \
		-d "'the longest pause between attempts (30s)'"
	eval complete $at -s z -l zero \
		-d "'connect, say so with -v, and end'"
	eval complete $at -s s -l source -x -a "'127.0.0.1 ::1'" \
		-d "'the address to come from'"
	eval complete $at -s p -l source-port -x \
		-d "'the port to come from'"
	eval complete $at -s x -l proxy -x -a "'localhost:1080 localhost:3128'" \
		-d "'go through this proxy'"
	eval complete $at -s X -l proxy-kind -x -a "'4 5 connect'" \
		-d "'4, 5 (SOCKS, the default) or connect (HTTP)'"
	eval complete $at -l tls-name -x \
		-d "'the certificate is to be for this one'"
	eval complete $at -l proxy-auth -r -F \
		-d "'a file with USER:PASSWORD'"
	eval complete $at -s n -l numeric \
		-d "'ask no resolver'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from serve-single'" \
		"-c wdsock-serve-single"
	eval complete $at -s k -l keep \
		-d "'serve the next client when one has gone'"
	eval complete $at -l refuse-others \
		-d "'close who comes while one is served'"
	eval complete $at -l accept-timeout -x -a "'$durations'" \
		-d "'give up waiting for a client after it'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from serve-multi'" \
		"-c wdsock-serve-multi"
	eval complete $at -l addressed \
		-d "'input lines begin with CHANNEL and a tab'"
	eval complete $at -l no-channel \
		-d "'output records do not begin with one'"
	eval complete $at -l header-timeout -x -a "'$durations'" \
		-d "'end who takes longer for a message'"
	eval complete $at -l first-message-timeout -x -a "'$durations'" \
		-d "'end who says nothing so long'"
	eval complete $at -l queue -x -a "'$sizes'" \
		-d "'what may wait for a client (8M)'"
	eval complete $at -l slow -x -a "'close drop wait'" \
		-d "'what becomes of who is further behind'"
	eval complete $at -l memory -x -a "'$sizes'" \
		-d "'of all queues and unfinished messages (1G)'"
	eval complete $at -l relay \
		-d "'send what comes to all others'"
	eval complete $at -l max-handlers -x \
		-d "'so many processes at a time; others wait'"
	eval complete $at -l each -x -a "'(__fish_complete_command)'" \
		-d "'one process that answers for all channels'"
	eval complete $at -l status-socket -r -F \
		-d "'tells who is there whoever connects to it'"
	eval complete $at -l max-clients -x \
		-d "'so many at a time, and no more'"
	eval complete $at -l max-per-ip -x \
		-d "'so many from one address (IPv6: a /64)'"
end
