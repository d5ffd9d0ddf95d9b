#!/usr/bin/perl
# The policy protocol as its clients see it: listeners, framing, garbage.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::IP;
use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Test;

my $port = free_port();
my $ipv6_port = free_port();
my $unix = temp_dir() . '/second';
my $policyd = Postvalve::Daemon->new(
    'policyd',
    config => {
        policyd => {
            listen => [ "inet:127.0.0.1:$port", "inet:[::1]:$ipv6_port", "unix:$unix",
                'unix:' . temp_dir() . '/third' ],
            request_timeout_s => 1,
        }
    }
)->start;
my $request = Postvalve::PolicyClient::format_request();

sub client { return Postvalve::PolicyClient->new(@_ ? @_ : (path => $unix)) }

subtest 'every listener answers' => sub {
    is client(port => $port)->request, 'DUNNO', 'inet';
    my $ipv6 = IO::Socket::IP->new(PeerHost => '::1', PeerPort => $ipv6_port) or die "IPv6: $@";
    print {$ipv6} $request;
    is scalar <$ipv6>, "action=DUNNO\n", 'IPv6';
    is client(path => $unix)->request, 'DUNNO', 'unix';
    is client(path => temp_dir() . '/third')->request, 'DUNNO', 'another unix';
    is sprintf('%04o', (stat $unix)[2] & 07777), '0666', 'with the mode of the configuration';
};

subtest 'framing' => sub {
    my $client = client();
    is $client->request, 'DUNNO', 'a request' for 1 .. 3;

    $client->send_raw($request x 5);
    is $client->read_action, 'DUNNO', "number $_ of five in a packet" for 1 .. 5;

    $client->send_raw($_) for split //, $request;
    is $client->read_action, 'DUNNO', 'byte by byte';

    $client->send_raw(substr $request, 0, 100);
    is $client->read_action(0.05), undef, 'half a request is not answered';
    $client->send_raw(substr($request, 100) . substr $request, 0, 50);
    is $client->read_action, 'DUNNO', 'until its rest has come';
    $client->send_raw(substr $request, 50);
    is $client->read_action, 'DUNNO', 'with the start of the next';

    $client->send_raw(Postvalve::PolicyClient::format_request(sender => 'x' x 60000));
    is $client->read_action, 'DUNNO', 'a large one';

    $client->send_raw($request);
    $client->shutdown_write;
    is $client->read_action, 'DUNNO', 'end of input after a request: answered';
    ok $client->is_closed(5), 'and closed';
};

subtest 'what Postfix versions send' => sub {
    my %version = (
        '2.1' => { map { $_ => undef } qw(client_port server_address server_port policy_context
            stress sasl_method sasl_username sasl_sender encryption_protocol encryption_cipher
            encryption_keysize etrn_domain ccert_subject ccert_issuer ccert_fingerprint
            ccert_pubkey_fingerprint size) },
        '3.7'  => {},
        '3.12' => {
            compatibility_level => '3.12', mail_version => '3.12.0', tls_sni => 'mx.example'
        },
        'unknown client' => { client_address => 'unknown', client_name => 'unknown' },
        'new names'      => { name_of_tomorrow => 'x=y', z => '' },
    );
    my $client = client();
    for my $name (sort keys %version) {
        for my $state (qw(CONNECT EHLO HELO MAIL RCPT DATA END-OF-MESSAGE VRFY ETRN WHAT)) {
            is $client->request(%{ $version{$name} }, protocol_state => $state), 'DUNNO',
                "$name, $state";
        }
    }
};

subtest 'what is no policy request is closed without an answer, and told of once' => sub {
    my %garbage = (
        "HTTP"               => "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "SMTP"               => "EHLO x\r\n",
        "an empty line"      => "\n",
        "no name"            => "request=smtpd_access_policy\n=x\n\n",
        "NUL"                => "request=smtpd_access_policy\nsender=\0\n\n",
        "another request"    => "request=no_such_policy\n\n",
        "no request"         => "sender=x\n\n",
        "longer than 64 KiB" => 'x' x 70000,
        "terminal control"   => "\e[2J\e[31m\a\n",
    );
    for my $name (sort keys %garbage) {
        my $client = client();
        my $before = () = $policyd->log_text =~ /not a policy request/g;
        $client->send_raw($garbage{$name});
        is $client->read_action, undef, "$name: no answer";
        isnt $client->reason, 'timeout', 'but closed';
        ok wait_until(sub { (() = $policyd->log_text =~ /not a policy request/g) > $before }, 5),
            'and logged';
        is scalar(() = $policyd->log_text =~ /not a policy request/g), $before + 1, 'once';
    }
    like $policyd->log_text, qr/line without '=': \\x1b\[2J\\x1b\[31m\\x07/, 'escaped';
    like $policyd->log_text, qr/connection of process \d+ of user \d+ closed/, 'with the peer';
    unlike $policyd->log_text, qr/[^\x20-\x7e\n]/, 'the log is plain text';
    my $client = client(port => $port);
    $client->send_raw("x\n");
    ok $client->is_closed(5), 'over inet';
    ok $policyd->wait_log(qr/connection of 127\.0\.0\.1 port \d+ closed: not a policy/), 'too';
    is client()->request, 'DUNNO', 'others are not harmed';
};

subtest 'a request that does not end' => sub {
    my $client = client();
    my $idle = client();
    $client->send_raw('request=');
    my $begin_s = now_s();
    for (1 .. 20) {    # a byte now and then buys no time
        last if $client->is_closed(0.1);
        $client->send_raw('x');
    }
    ok $client->is_closed(5), 'is closed';
    cmp_ok now_s() - $begin_s, '<', 4, 'in time';
    ok $policyd->wait_log(qr/its request does not end/), 'and logged';
    ok !$idle->is_closed, 'an idle client stays';
};

subtest 'a client that takes no answers' => sub {
    my $client = client();
    my $sent = 0;
    $client->{socket}->blocking(0);
    while (1) {
        my $written = syswrite $client->{socket}, $request x 50;
        last if !defined $written && !IO::Select->new($client->{socket})->can_write(0.3);
        $sent += $written // 0;
    }
    is client()->request, 'DUNNO', 'does not hold up others';
    $client->send_raw(substr $request x 2, $sent % length $request, length $request);
    ok $policyd->wait_log(qr/it does not take its reply/), 'and is closed';
};

subtest 'many clients at a time' => sub {
    my @clients = map { client() } 1 .. 300;
    $_->send_raw($request) for @clients;
    is scalar(grep { ($_->read_action // '') eq 'DUNNO' } @clients), 300, 'all are answered';
    $_->close for @clients[ 0 .. 149 ];
    $_->send_raw($request) for @clients[ 150 .. 299 ];
    is scalar(grep { ($_->read_action // '') eq 'DUNNO' } @clients[ 150 .. 299 ]), 150,
        'and those that stay, again';
};

is $policyd->stop, 0, 'ends in order';
ok !-e $unix, 'its socket files are gone';

finish();
