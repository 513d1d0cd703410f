#!/usr/bin/env perl
# Certificates of every kind that the tests of TLS need, good and bad, made by
# openssl(1) in a directory that many may ask for at once:
#
#	certs.pl DIRECTORY
#
# Who comes second waits and finds them. They are made again if this script is
# newer. For each NAME of the tables below there are
#
#	NAME.pem	the certificate, and behind it the chain that goes with it
#	NAME.key	its private key
#	NAME.pin	sha256:..., of its public key
#
# and beside them certificates in other wrappings, and a list of the revoked
# ones. What is locked has "secret" as its pass phrase.

use strict;
use warnings;
use Fcntl qw(:flock);

# name => [who has signed it, subject, extensions, more]
#	key	another key than that of all others
#	dates	first and last day
#	digest	of the signature
#	chain	which of them stand in its file behind it; its CA does not
my $leaf = 'basicConstraints=CA:FALSE';
my $server = "$leaf|extendedKeyUsage=serverAuth";
my $client = "$leaf|extendedKeyUsage=clientAuth";
my $ca = 'basicConstraints=critical,CA:TRUE|keyUsage=critical,keyCertSign,cRLSign';
my $here = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
my @past = ('20200101000000Z', '20210101000000Z');
my @future = ('20900101000000Z', '20950101000000Z');

my @table = (
	ca => ['', '/O=wdsock/CN=Test CA', $ca, key => 'ca'],
	other => ['', '/O=elsewhere/CN=Other CA', $ca, key => 'other'],
	middle => ['ca', '/O=wdsock/CN=Middle CA', $ca, key => 'middle'],
	'no-ca' => ['ca', '/O=wdsock/CN=No CA', $leaf, key => 'no-ca'],

	good => ['ca', '/CN=good', "$server|$here"],
	'good-rsa' => ['ca', '/CN=good-rsa', "$server|$here", key => 'rsa'],
	renewed => ['ca', '/CN=renewed', "$server|$here", key => 'renewed'],
	'any-use' => ['ca', '/CN=any-use', "$leaf|$here"],
	'wrong-name' => ['ca', '/CN=wrong-name',
		"$server|subjectAltName=DNS:example.org,DNS:www.example.org"],
	wildcard => ['ca', '/CN=wildcard',
		"$server|subjectAltName=DNS:*.example.test"],
	partial => ['ca', '/CN=partial',
		"$server|subjectAltName=DNS:w*.example.test"],
	'wide' => ['ca', '/CN=wide', "$server|subjectAltName=DNS:*"],
	ip => ['ca', '/CN=ip', "$server|subjectAltName=IP:127.0.0.1,IP:::1"],
	'wrong-ip' => ['ca', '/CN=wrong-ip',
		"$server|subjectAltName=IP:127.0.0.2"],
	'ip-as-name' => ['ca', '/CN=ip-as-name',
		"$server|subjectAltName=DNS:127.0.0.1"],
	'cn-only' => ['ca', '/CN=localhost', $server],
	# A name that goes on behind its NUL.
	'evil-name' => ['ca', '/CN=evil-name', "$server|"
		. 'subjectAltName=DNS:localhost\x1b]0;x\x07.example.org'],
	unknown => ['other', '/CN=unknown', "$server|$here"],
	chain => ['middle', '/CN=chain', "$server|$here", chain => ['middle']],
	'chain-cut' => ['middle', '/CN=chain-cut', "$server|$here"],
	'chain-no-ca' => ['no-ca', '/CN=chain-no-ca', "$server|$here",
		chain => ['no-ca']],
	'for-clients' => ['ca', '/CN=for-clients', "$client|$here"],
	expired => ['ca', '/CN=expired', "$server|$here", dates => \@past],
	future => ['ca', '/CN=future', "$server|$here", dates => \@future],
	self => ['', '/CN=self', "$server|$here", key => 'self'],
	weak => ['ca', '/CN=weak', "$server|$here", key => 'weak'],
	sha1 => ['ca', '/CN=sha1', "$server|$here", digest => 'sha1'],
	revoked => ['ca', '/CN=revoked', "$server|$here"],
	'name-a' => ['ca', '/CN=name-a', "$server|subjectAltName=DNS:a.test"],
	'name-b' => ['ca', '/CN=name-b',
		"$server|subjectAltName=DNS:b.test,DNS:*.b.test",
		key => 'name-b'],

	client => ['ca', '/O=wdsock/CN=client', "$client|"
		. 'subjectAltName=DNS:client.example.test', key => 'client'],
	'client-other' => ['other', '/CN=client-other', $client],
	'client-expired' => ['ca', '/CN=client-expired', $client,
		dates => \@past],
	'client-future' => ['ca', '/CN=client-future', $client,
		dates => \@future],
	'client-self' => ['', '/CN=client-self', $client, key => 'self'],
	'client-as-server' => ['ca', '/CN=client-as-server', "$server|$here"],
	'client-revoked' => ['ca', '/CN=client-revoked', $client],
	'client-chain' => ['middle', '/CN=client-chain', $client,
		chain => ['middle']],
);

my ($dir) = @ARGV;
die("usage: certs.pl DIRECTORY\n") if !defined($dir);
my $script = (stat($0))[9];
mkdir($dir);
chdir($dir) or die("$dir: $!\n");
open(my $lock, '>>', 'lock') or die("$dir/lock: $!\n");
flock($lock, LOCK_EX) or die("$dir/lock: $!\n");
exit(0) if -e 'made' && (stat('made'))[9] >= $script;

my $serial = 4096;
my %cert;
while (@table) {
	my ($name, $c) = splice(@table, 0, 2);
	my ($by, $subject, $extensions, %more) = @$c;
	$cert{$name} = { by => $by, subject => $subject,
		extensions => $extensions, serial => $serial++, %more };
	make($name);
}
wrap();
open(my $made, '>', 'made') or die("made: $!\n");
close($made) or die("made: $!\n");

sub run {
	my (@words) = @_;
	my $pid = open(my $said, '-|') // die("fork: $!\n");
	if ($pid == 0) {
		open(STDERR, '>&', \*STDOUT);
		open(STDIN, '<', '/dev/null');
		exec('openssl', @words) or die("openssl: $!\n");
	}
	my $all = join('', <$said>);
	close($said) or die("openssl @words\n$all");
	return $all;
}

sub put {
	my ($file, @lines) = @_;
	open(my $f, '>', $file) or die("$file: $!\n");
	print $f @lines;
	close($f) or die("$file: $!\n");
}

sub get {
	my ($file) = @_;
	open(my $f, '<', $file) or die("$file: $!\n");
	local $/;
	return scalar(<$f>);
}

# The private key of this name, KEY.priv, and KEY.pub; made once.
sub key {
	my ($name) = @_;
	return if -e "$name.pub";
	my @kind = $name eq 'rsa' ? qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)
		: $name eq 'weak' ? qw(-algorithm RSA -pkeyopt rsa_keygen_bits:1024)
		: qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256);
	run('genpkey', @kind, '-out', "$name.priv");
	run('pkey', '-in', "$name.priv", '-pubout', '-out', "$name.pub");
}

# The CA as openssl ca(1) sees it, for its list and for days of our choice.
sub ca_config {
	put('ca.index', map {
		my $c = $cert{$_};
		"R\t350101000000Z\t200101000000Z\t"
		    . sprintf('%X', $c->{serial}) . "\tunknown\t$c->{subject}\n"
	} grep { exists($cert{$_}) } qw(revoked client-revoked));
	put('ca.index.attr', "unique_subject = no\n");
	put('ca.conf', <<'END');
[ca]
default_ca = it
[it]
database = ca.index
certificate = ca.priv.pem
private_key = ca.priv
new_certs_dir = .
serial = ca.serial
default_md = sha256
default_crl_days = 3650
policy = any
[any]
commonName = supplied
END
}

sub make {
	my ($name) = @_;
	my $c = $cert{$name};
	my $key = $c->{key} // 'shared';
	my @signer = $c->{by} eq '' ? ('-key', "$key.priv")
		: ('-CA', "$c->{by}.pem", '-CAkey', "$cert{$c->{by}}{key}.priv");

	key($key);
	put('extensions', map { "$_\n" } '[x]', split(/\|/, $c->{extensions}));
	if ($c->{dates}) {
		dated($name, $key);
	} else {
		run('x509', '-new', '-subj', $c->{subject}, '-force_pubkey',
			"$key.pub", @signer, '-set_serial', $c->{serial},
			'-days', 3650, '-' . ($c->{digest} // 'sha256'),
			'-extfile', 'extensions', '-extensions', 'x',
			'-out', "$name.pem");
	}
	pin($name);
	put("$name.key", get("$key.priv"));
	put("$name.pem", get("$name.pem"),
		map { get("$_.pem") } @{$c->{chain} // []});
}

sub dated {
	my ($name, $key) = @_;
	my $c = $cert{$name};

	put('ca.priv.pem', get('ca.pem'));
	ca_config();
	put('ca.serial', sprintf("%04X\n", $c->{serial}));
	run('req', '-new', '-key', "$key.priv", '-subj', $c->{subject},
		'-config', '/dev/null', '-out', 'request');
	run('ca', '-batch', '-config', 'ca.conf', '-in', 'request', '-notext',
		'-startdate', $c->{dates}[0], '-enddate', $c->{dates}[1],
		'-extfile', 'extensions', '-extensions', 'x',
		'-out', "$name.pem");
}

sub pin {
	my ($name) = @_;
	my $key = $cert{$name}{key} // 'shared';

	if (!-e "$key.spki") {
		run('pkey', '-pubin', '-in', "$key.pub", '-outform', 'DER',
			'-out', "$key.der");
		run('dgst', '-sha256', '-binary', '-out', "$key.hash",
			"$key.der");
		put("$key.spki", 'sha256:'
			. run('base64', '-in', "$key.hash"));
	}
	put("$name.pin", get("$key.spki"));
}

# The same in other wrappings.
sub wrap {
	put('pass', "secret\n");
	put('wrong-pass', "no secret\n");
	run('pkey', '-in', 'good.key', '-aes256', '-passout', 'file:pass',
		'-out', 'good-locked.key');
	for my $name (qw(good chain client)) {
		my @from = ('pkcs12', '-export', '-in', "$name.pem", '-inkey',
			"$name.key");
		run(@from, '-passout', 'pass:', '-out', "$name.p12");
		run(@from, '-passout', 'file:pass',
			'-out', "$name-locked.p12");
	}
	# As Windows has exported them for years; needs the legacy provider.
	eval {
		run('pkcs12', '-export', '-in', 'good.pem', '-inkey',
			'good.key', '-legacy', '-passout', 'file:pass',
			'-out', 'good-legacy.p12');
	};
	put('both.pem', get('good.pem'), get('good.key'));
	put('cas.pem', get('ca.pem'), get('other.pem'));
	ca_config();
	run('ca', '-gencrl', '-config', 'ca.conf', '-out', 'crl.pem');
	run('ca', '-gencrl', '-config', 'ca.conf', '-crl_lastupdate',
		'20200101000000Z', '-crl_nextupdate', '20200201000000Z',
		'-out', 'crl-old.pem');
	mkdir('ca.d');
	put('ca.d/' . hash_of('ca.pem') . '.0', get('ca.pem'));
}

sub hash_of {
	my ($file) = @_;
	my ($hash) = run('x509', '-noout', '-subject_hash', '-in', $file)
		=~ /^([0-9a-f]{8})$/m;
	return $hash;
}
