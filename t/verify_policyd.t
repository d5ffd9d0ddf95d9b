#!/usr/bin/perl
# What policyd answers as to recipients, in each way of asking it, with a Redis that has records, is
# frozen, or is not there; and what it leaves in Redis of hostile addresses.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my $key_file = spew(temp_dir() . '/site.key', "a secret of this very test\n");
my $socket = temp_dir() . '/verify';
my $policyd = Postvalve::Daemon->new('policyd', redis => $redis, config => {
    memory => { fresh_ms => 0 },
    verify => { domains => ['relay.example'], key_file => $key_file, readable => JSON::PP::true(),
        recipient_delimiter => '+', listen => ["unix:$socket"], socket => { mode => '0666' } },
})->start;
my $port = $policyd->config->{service}{port};

sub configure {
    my (%verify) = @_;
    my $before = () = $policyd->log_text =~ /configuration taken over/g;
    $policyd->configure({ verify => \%verify })->reload;
    wait_ok { my $now = () = $policyd->log_text =~ /configuration taken over/g; $now > $before } 30, 'configured';
    return;
}

my $client = Postvalve::PolicyClient->new($policyd->endpoint);
my $clients = 0;

sub ask {
    my ($recipient, %attribute) = @_;
    my $from = delete $attribute{client} // $client;
    $clients++;
    return $from->request(
        server_port => $port, client_address => sprintf('192.0.%d.%d', $clients / 250, 1 + $clients % 250),
        recipient => $recipient, policy_context => 'verify', %attribute) // 'closed';
}

sub record {
    my ($address, $status, $kind) = @_;
    my $name = $address =~ s/\@/%40/r;
    $redis->command('HSET', ($kind // 'pv:rcpt:') . $name, status => $status, updated => time, text => 'because');
    return;
}

record('good@relay.example', 'deliverable');
record('bad@relay.example',  'undeliverable');
record('bad@other.example',  'undeliverable');

subtest 'the ways to ask' => sub {
    is ask('good@relay.example'), 'DUNNO', 'deliverable';
    my $bad = '550 5.1.1 undeliverable address [remembered]: because';
    is ask('bad@relay.example'),  $bad, 'undeliverable';
    is ask('BAD+list@Relay.Example'), $bad, 'case and extension count as configured';
    is ask('bad@other.example'), 'DUNNO', 'another domain';
    is ask('new@relay.example'), 'reject_unverified_recipient', 'unknown';
    is ask('bad@relay.example', policy_context => ''), 'DUNNO', 'without the context nothing is said of addresses';
    is ask('bad@relay.example', protocol_state => 'DATA'), 'DUNNO', 'nor in another state';
    is ask('bad@relay.example', server_port => 587), 'DUNNO', 'nor of another service';
    my $other = Postvalve::PolicyClient->new(path => $socket);
    is ask('bad@relay.example', policy_context => '', client => $other), $bad, 'verify.listen needs no context';
    is ask('new2@relay.example', policy_context => 'x', client => $other), 'reject_unverified_recipient', 'nor the right one';
    configure(requests => 'all');
    is ask('bad@relay.example', policy_context => ''), $bad, 'with "all" every request is asked';
    configure(requests => 'context');
};

subtest 'never turned away' => sub {
    record("$_\@relay.example", 'undeliverable') for qw(postmaster abuse);
    is ask('bad@relay.example', sender => ''), 'DUNNO', 'a bounce';
    is ask("$_\@relay.example"), 'DUNNO', $_ for qw(postmaster Abuse);
    is ask('postmaster'), 'DUNNO', 'postmaster without a domain';
};

subtest 'codes' => sub {
    configure(reject_code => 450);
    like ask('bad@relay.example'), qr/^450 5\.1\.1 /, 'another code';
    configure(reject_code => 250);
    is ask('bad@relay.example'), 'DUNNO', '250 accepts';
    configure(reject_code => 550, stress_level => 'calm');
    like ask('new@relay.example'), qr/^DEFER_IF_PERMIT 4\.1\.1 .*\[not probed\]$/, 'deferred where nothing else refuses';
    configure(tempfail_action => 'defer');
    like ask('new@relay.example'), qr/^450 4\.1\.1 .*\[not probed\]$/, 'deferred at once';
    configure(stress_level => 'stressed');
};

subtest 'senders' => sub {
    record('bad@sender.example', 'undeliverable', 'pv:sender:');
    is ask('good@relay.example', sender => 'bad@sender.example'), 'DUNNO', 'are not verified by default';
    configure(sender_domains => ['sender.example']);
    like ask('good@relay.example', sender => 'bad@sender.example'), qr/^550 5\.1\.7 sender: .*\[remembered\]/, "undeliverable";
    is ask('good@relay.example', sender => 'x@sender.example'), 'reject_unverified_sender', 'unknown';
    is ask('new@relay.example', sender => 'x@sender.example'), 'reject_unverified_sender, reject_unverified_recipient', 'both';
    is ask('good@relay.example', sender => 'x@elsewhere.example'), 'DUNNO', 'of another domain';
    configure(sender_domains => []);
};

subtest 'a budget of probes' => sub {
    configure(probes_per_minute => 1, retry_s => 1);
    my @client = (client_address => '198.51.100.1');
    my @answers = map { ask("wanted$_\@relay.example", @client) } 1 .. 4;
    cmp_ok scalar(grep { /^reject_unverified_recipient$/ } @answers), '<=', 1, 'one probe';
    like $answers[-1], qr/^450 4\.1\.1 /, 'then no more for strangers';
    $redis->command('HSET', 'pv:client:198.51.100.9', first => 1, last => time, accepted => 500);
    is ask('wanted9@relay.example', client_address => '198.51.100.9'), 'reject_unverified_recipient', 'but for good clients';
    is ask('good@relay.example', @client), 'DUNNO', 'known recipients need none';
    wait_ok { ask('wanted4@relay.example', client_address => '198.51.100.2') eq 'reject_unverified_recipient' } 30,
        'and for one of the same network that comes back';
    configure(probes_per_minute => 0, retry_s => 60);
};

subtest 'hostile addresses' => sub {
    $redis->command('FLUSHALL');
    my @local = ('a' x 1000, 'a' x 999 . 'b', 'a' x 1001, "\x01", "\xc3\xb6", "\xc3\x96", "\xf6", '*', '%2A', '{a}', 'a b', 'a:b',
        "a\tb", '"', "'", '\\', '../../x', '$(x)', 'a=b', '~', "\x7f");
    for my $local (@local) {
        is ask("$local\@relay.example"), 'reject_unverified_recipient', 'asked';
    }
    wait_ok { @{ $redis->command('KEYS', 'pv:rcpt:*') } == @local } 30, 'each has a key of its own';
    is_deeply [ grep { !/\A pv:rcpt:[A-Za-z0-9%~._-]{1,128}\z/x } @{ $redis->command('KEYS', 'pv:rcpt:*') } ], [],
        '... of harmless characters';
    is ask('x' x 3000 . '@relay.example'), 'DUNNO', 'what is longer than any address is left alone';
};

subtest 'a Redis that does not answer' => sub {
    record('bad@relay.example', 'undeliverable');
    like ask('bad@relay.example'), qr/^550/, 'remembered';
    $redis->pause;
    is ask('new@relay.example'), 'reject_unverified_recipient', 'Postfix verifies';
    like ask('bad@relay.example'), qr/^550/, 'what is in memory still counts';
    configure(stress_level => 'calm');
    is ask('new@relay.example'), 'reject_unverified_recipient', 'under stress too: not everybody is unknown';
    $redis->resume;
    wait_ok { ask('new@relay.example') =~ /^450/ } 30, 'it is back';
    configure(stress_level => 'stressed');
};

subtest 'observed or off' => sub {
    for my $mode (qw(observe off)) {
        $policyd->configure({ mode => $mode });
        configure();
        is ask('bad@relay.example'), 'reject_unverified_recipient', "$mode: Postfix does what it would do alone";
        is ask('x@other.example'), 'DUNNO', '... where there is something to verify';
    }
};

subtest 'wrong configurations' => sub {
    my %row = (
        'a hash needs a key' => [ { domains => ['a.example'] }, qr/verify\.key_file: ""/ ],
        'a key that is too short' => [ { key_file => spew(temp_dir() . '/short', "short\n") }, qr/first line is too short/ ],
        'a code that means nothing' => [ { reject_code => 300 }, qr/verify\.reject_code: 300/ ],
        'refreshed after it has expired' => [ { negative => { refresh_s => 10, expire_s => 5 } }, qr/verify\.negative\.refresh_s: 10/ ],
        'an endpoint of another' => [ { listen => ['inet:127.0.0.1:10031'] }, qr/verify\.listen\[0\]: "inet:127\.0\.0\.1:10031"/ ],
    );
    for my $what (sort keys %row) {
        my ($verify, $problem) = @{ $row{$what} };
        my $file = temp_dir() . '/wrong.json';
        write_json($file, { verify => $verify });
        my ($status, $output) = run_command([ program('ctl'), 'check-config', $file ]);
        isnt $status, 0, $what;
        like $output, $problem, '... and what is allowed';
    }
};

finish();
