#!/usr/bin/perl
# DNS lists as policyd asks them: one query a name, single flight, what hosts share, replies by
# level, and lists and name servers that fail in every way.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Postvalve::Daemon;
use Postvalve::Dns;
use Postvalve::MilterClient;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;

# The test points of RFC 5782, clients 203.0.113.1 to .99 for the tests.
my $points = "127.0.0.2:127.0.0.2:test\n";
my $zen = <<"END";
:127.0.0.2:Listed, see http://zen.example/\$
$points
203.0.113.1
203.0.113.2 :127.0.0.10:In a dial-up range: \$
203.0.113.3 :127.0.0.11:
203.0.113.20
203.0.113.64 :127.255.255.254:open resolver
203.0.113.65 :127.0.0.1:nonsense
198.51.100.0/24
END
my $white = ":127.0.0.3:\n$points\n198.51.100.7\n";
my $domains = <<'END';
:127.0.0.2:spammer
test
bad.example
END

my $dns = Postvalve::Dns->new(
    zones => [
        [ 'zen.example',   'ip4set', $zen ],
        [ 'white.example', 'ip4set', $white ],
        [ 'dbl.example',   'dnset',  $domains ],
        [ 'six.example',   'ip6trie', ":127.0.0.2:six\n::ffff:7f00:2\n2001:db8:0:1::/64\n" ],
    ]
)->start;
my $server = 'inet:127.0.0.1:' . $dns->port;

my %service = (port => 25, slot_limit => 10);
my %calm = (
    service => \%service,
    rbl => {
        nameservers => [$server],
        checks      => [
            'permit_dnswl_client white.example',
            'reject_rbl_client zen.example=127.0.0.10',
            'reject_rbl_client zen.example=127.0.0.11',
            'reject_rbl_client zen.example',
            'reject_rhsbl_sender dbl.example',
        ],
    },
);

sub merged {
    my (%change) = @_;
    return { %calm, rbl => { %{ $calm{rbl} }, %change } };
}

sub client {
    my ($policyd) = @_;
    return Postvalve::PolicyClient->new($policyd->endpoint);
}

sub asked_for {
    my ($name) = @_;
    return scalar grep { lc $_ eq $name } $dns->queries;
}

# -- one query for three filters -------------------------------------------------------------

my $redis = Postvalve::Redis->new->start;
my $policyd = Postvalve::Daemon->new('policyd', config => { %calm, host => 'mx1' },
    redis => $redis)->start;
my $client = client($policyd);

is $client->request(client_address => '203.0.113.2'),
    '554 5.7.1 Service unavailable; Client host [203.0.113.2] blocked using zen.example; '
    . 'In a dial-up range: 203.0.113.2', 'first check that matches, with the text of the list';
is asked_for('2.113.0.203.zen.example'), 2, 'three filters: one query, and one for the text';
is $client->request(client_address => '203.0.113.2'),
    '554 5.7.1 Service unavailable; Client host [203.0.113.2] blocked using zen.example; '
    . 'In a dial-up range: 203.0.113.2', 'the same from memory';
is asked_for('2.113.0.203.zen.example'), 2, 'without another query';
is $client->request(client_address => '203.0.113.9'), 'DUNNO', 'not listed';
$client->request(client_address => '203.0.113.9') for 1 .. 3;
is asked_for('9.113.0.203.zen.example'), 1, 'that is remembered too';
is $client->request(client_address => '198.51.100.7'), 'DUNNO', 'the allow list comes first';
like $client->request(client_address => '198.51.100.8'), qr/\A554 /, 'a network';
is $client->request(client_address => '203.0.113.65'), 'DUNNO', '127.0.0.1 is no listing';
like $client->request(client_address => '203.0.113.9', sender => 'a@bad.example'),
    qr/\A554 5\.7\.1 Service unavailable; Sender address \[a\@bad\.example\] blocked using dbl/,
    'domain of the sender';
is $client->request(client_address => '203.0.113.9', sender => ''), 'DUNNO', 'null sender';

like $policyd->wait_log(qr/reject client=203\.0\.113\.2 /),
    qr/class=bot reason=rbl .*rule=rbl check=zen\.example=127\.0\.0\.10 .*code=554/, 'log line';

# -- single flight ---------------------------------------------------------------------------

{
    my @clients = map { client($policyd) } 1 .. 1000;
    # All requests are there before the first is answered.
    $policyd->pause;
    my $request = Postvalve::PolicyClient::format_request(client_address => '203.0.113.20');
    $_->send_raw($request) for @clients;
    $policyd->resume;
    my @actions = map { $_->read_action // 'none' } @clients;
    is scalar(grep {/\A554 /} @actions), 1000, '1000 requests at once for a new client';
    is asked_for('20.113.0.203.zen.example'), 2, 'one query for the address, and one for the text';
    is asked_for('20.113.0.203.white.example'), 1, 'and one to each other list';
}

# -- answers in memory -----------------------------------------------------------------------

{
    my @clients = map { client($policyd) } 1 .. 50;
    my @addresses = map { my $i = $_; map {"198.18.$i.$_"} 1 .. 250 } 0 .. 9;
    my $ask_all = sub {
        my ($wrong, @left) = (0, @addresses);
        while (my @now = splice @left, 0, scalar @clients) {
            $clients[$_]->send_raw(
                Postvalve::PolicyClient::format_request(client_address => $now[$_])) for 0 .. $#now;
            $wrong += ($clients[$_]->read_action // '') ne 'DUNNO' for 0 .. $#now;
        }
        return $wrong;
    };
    my $asked = sub { return scalar grep {/\.18\.198\.(?:zen|white)\.example\z/i} $dns->queries };
    is $ask_all->(), 0, '2,500 new clients';
    is $asked->(), 5000, 'a query to each of two lists';
    is $ask_all->(), 0, 'again' for 1 .. 4;
    is $asked->(), 5000, '10,000 requests of known clients: no query';
}

# -- what another host found -----------------------------------------------------------------

{
    my $other = Postvalve::Daemon->new('policyd', config => { %calm, host => 'mx2' },
        redis => $redis)->start;
    my $client = client($other);
    like $client->request(client_address => '203.0.113.2'),
        qr/\A554 .*In a dial-up range: 203\.0\.113\.2\z/, 'second host: the answer with its text';
    is $client->request(client_address => '203.0.113.9'), 'DUNNO', 'second host: not listed';
    is asked_for('2.113.0.203.zen.example'), 2, 'from Redis, not from the network';
    is asked_for('9.113.0.203.zen.example'), 1, 'also that there is nothing';
    is $redis->command('GET', 'pv:rbl:zen.example:203.0.113.2'),
        '127.0.0.10 In a dial-up range: 203.0.113.2', 'as it is in Redis';
    my $ttl = $redis->command('TTL', 'pv:rbl:zen.example:203.0.113.2');
    ok $ttl > 0 && $ttl <= 60, "it expires with the record ($ttl s)";
    ok wait_until(sub { $redis->command('HGET', 'pv:client:203.0.113.2', 'rbl') }, 3),
        'evidence in the record of the client';
    $other->stop;
}

# -- ahead -----------------------------------------------------------------------------------

$redis->command('LPUSH', 'pv:new:mx1', "203.0.113.79\n", "x\0y", '203.0.113.3.' . '9' x 5000, '',
    'mail.example', '203.0.113.3', '203.0.113.77');
ok wait_until(sub { asked_for('3.113.0.203.zen.example') && asked_for('77.113.0.203.zen.example') }, 3),
    'clients that a milter announced are looked up ahead';
ok wait_until(sub { $redis->command('HGET', 'pv:client:203.0.113.3', 'rbl') }, 3),
    'and evidence is in the record before the client is asked about';

{
    my $milter = Postvalve::Daemon->new('milter', config => { service => \%service, host => 'mx1' },
        redis => $redis)->start;
    my $connect = sub {
        my ($address) = @_;
        my $session = Postvalve::MilterClient->new($milter->endpoint);
        $session->negotiate;
        $session->connect($address, daemon_port => 25);
        $session->close;
    };
    $connect->('203.0.113.80');
    $milter->configure({ rbl => $calm{rbl} })->reload;
    ok $milter->wait_log(qr/config.json: taken/), 'lists are configured';
    $connect->('203.0.113.78');
    ok wait_until(sub { asked_for('78.113.0.203.zen.example') }, 5), 'a milter announces new clients';
    is asked_for('80.113.0.203.zen.example'), 0, 'only since there are lists';
    $milter->stop;
}

# -- special answers -------------------------------------------------------------------------

is $client->request(client_address => '203.0.113.64'), 'DUNNO', 'the list refuses us: no listing';
ok $policyd->wait_log(qr/zen\.example.*(resolver|refuse)/i), 'and the log says what it means';

# -- by level --------------------------------------------------------------------------------

my $map = temp_dir('maps') . '/stressed';
spew($map, "zen.example=127.0.0.10 521 4.7.1 Go away, \$client_address\n");
{
    my $slots = 0 + free_port();
    my $smtp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $slots, Listen => 9)
        or die "listen: $@";
    my $config = merged(reply_maps => { stressed => $map });
    my $stressed = Postvalve::Daemon->new('policyd',
        config => { %{$config}, service => { port => $slots, slot_limit => 4 } })->start;
    my $client = client($stressed);
    my @port = (server_port => $slots);
    like $client->request(client_address => '203.0.113.2', @port), qr/\A554 /, 'calm: 554';
    my @request = (@port, stress => 'yes');
    is $client->request(client_address => '203.0.113.2', @request),
        '521 5.7.1 Go away, 203.0.113.2', 'stressed: the map of that level';
    like $client->request(client_address => '203.0.113.1', @request),
        qr/\A521 5\.7\.1 Service unavailable; Client host \[203\.0\.113\.1\]/,
        'stressed, not in the map: hung up on with the default text';
    $stressed->configure({ mode => 'observe' })->reload;
    $stressed->wait_log(qr/configuration taken over/);
    is $client->request(client_address => '203.0.113.2', @request), 'DUNNO', 'observe mode';
    ok $stressed->wait_log(qr/would-hang-up client=203\.0\.113\.2 .*rule=rbl/), 'which is logged';
    $stressed->stop;
}

# -- restrictions of Postfix, weights --------------------------------------------------------

{
    my $other = Postvalve::Daemon->new('policyd', config => merged(action => 'postfix'))->start;
    is client($other)->request(client_address => '203.0.113.3'),
        'reject_rbl_client zen.example=127.0.0.11', 'left to Postfix';
    my $weights = [
        'reject_rbl_client zen.example*2',      'reject_rbl_client zen.example=127.0.0.11',
        'permit_dnswl_client white.example*-2', 'reject_rhsbl_sender dbl.example',
    ];
    $other->configure({ rbl => { %{ $calm{rbl} }, threshold => 3, checks => $weights } })->reload;
    $other->wait_log(qr/configuration taken over/);
    my $client = client($other);
    is $client->request(client_address => '203.0.113.1'), 'DUNNO', 'weight 2 of 3';
    is $client->request(client_address => '203.0.113.3'), 'reject_rbl_client zen.example',
        'weights together reach the threshold: the heaviest check';
    is $client->request(client_address => '198.51.100.7', sender => 'a@bad.example'), 'DUNNO',
        'an allow list with a weight';
    $other->stop;
}

# -- what else is asked about ----------------------------------------------------------------

{
    my $other = Postvalve::Daemon->new('policyd', config => merged(
        default_reply => '$rbl_code $rbl_class $rbl_what $rbl_domain',
        checks        => [
            'reject_rbl_client six.example', map {"reject_rhsbl_$_ dbl.example"}
                qw(client reverse_client helo sender recipient)
        ],
    ))->start;
    my $client = client($other);
    my $before = asked_for('bad.example.dbl.example');
    my @good = (client_name => 'unknown', reverse_client_name => 'good.example',
        helo_name => 'good.example', client_address => '2001:db8:0:2::1');
    is $client->request(@good), 'DUNNO', 'nothing is listed';
    my $name = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.six.example';
    is $client->request(@good, client_address => '2001:db8:0:1::1'),
        '554 5.7.1 Client host 2001:db8:0:1::1 six.example', 'an IPv6 address';
    is asked_for($name), 1, 'one query: no text where the reply needs none';
    my %class = (
        client_name         => 'Client host bad.example',
        reverse_client_name => 'Unverified Client host bad.example',
        helo_name           => 'Helo command bad.example',
        sender              => 'Sender address bad.example',
        recipient           => 'Recipient address bad.example',
    );
    for my $attribute (sort keys %class) {
        my $value = $class{$attribute} =~ /address/ ? 'x@bad.example' : 'bad.example';
        is $client->request(@good, $attribute => $value),
            '554 5.7.1 ' . ($class{$attribute} =~ s/bad\.example/$value/r) . ' dbl.example', $attribute;
    }
    is asked_for('bad.example.dbl.example'), $before + 1, 'one query whatever refers to the domain';
    $other->stop;
}

# -- name servers that do not answer ---------------------------------------------------------

sub answer_time {
    my ($client, @request) = @_;
    my $start_s = now_s();
    my $action = $client->request(@request);
    return ($action, now_s() - $start_s);
}

{
    my $other = Postvalve::Daemon->new('policyd',
        config => merged(deadline_ms => { calm => 400, stressed => 100 }))->start;
    my $client = client($other);
    $dns->pause;
    my ($action, $time_s) = answer_time($client, client_address => '203.0.113.30');
    is $action, 'DUNNO', 'no answer: nothing is held against the client';
    ok $time_s >= 0.3 && $time_s < 1.0, "after the deadline ($time_s s)";
    my @late = map { [ answer_time($client, client_address => "203.0.113.$_") ] } 31 .. 40;
    is scalar(grep { $_->[0] ne 'DUNNO' || $_->[1] > 1.0 } @late), 0, 'never later';
    ok $late[-1][1] < 0.1, 'a list that does not answer is not asked any more';
    ok $other->wait_log(qr/list zen\.example is not used/), 'which is an event';
    $dns->resume;
    ok $other->wait_log(qr/list zen\.example is used again/, 30), 'it is when it answers again';
    ok wait_until(sub { $client->request(client_address => '203.0.113.1') =~ /\A554 / }, 30),
        'and what it says counts';
    $other->stop;

    my $gone = Postvalve::Daemon->new('policyd',
        config => merged(nameservers => [ 'inet:127.0.0.1:' . free_port() ]))->start;
    ($action, $time_s) = answer_time(client($gone), client_address => '203.0.113.41');
    is $action, 'DUNNO', 'nobody at the port of the name server';
    ok $time_s < 0.5, "is noticed at once ($time_s s)";
    $gone->stop;

    my $second = Postvalve::Daemon->new('policyd',
        config => merged(nameservers => [ 'inet:127.0.0.1:' . free_port(), $server ]))->start;
    like client($second)->request(client_address => '203.0.113.1'), qr/\A554 /,
        'the second name server answers';
    $second->stop;

    my $mute = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "dns: $@";
    my $third = Postvalve::Daemon->new('policyd',
        config => merged(nameservers => [ 'inet:127.0.0.1:' . $mute->sockport, $server ]))->start;
    ($client, my $i) = (client($third), 0);
    like $client->request(client_address => '203.0.113.1'), qr/\A554 /,
        'the first name server is silent, the second answers';
    ok wait_until(
        sub {
            $client->request(client_address => '198.18.0.' . ++$i);
            return $third->log_text =~ /name server number 1 does not answer: number 2 is asked/;
        },
        30
    ), 'after some time it is asked first';
    ($action, $time_s) = answer_time($client, client_address => '203.0.113.3');
    like $action, qr/\A554 /, 'and answers';
    ok $time_s < 0.2, "without a wait ($time_s s)";
    $third->stop;
}

# -- answers of all kinds, from a server that does as it is told ------------------------------

# Answers queries with what %$behaviour says for the zone: a code, or "silent".
sub scripted_dns {
    my ($script) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
        or die "dns: $@";
    my $tcp = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.1',
        LocalPort => $socket->sockport, Listen => 5) or die "dns: $@";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{ALRM} = 'DEFAULT';
        alarm 120;
        my $select = IO::Select->new($socket, $tcp);
        while (my @ready = $select->can_read) {
            for my $ready (@ready) {
                if ($ready == $tcp) {
                    my $connection = $tcp->accept or next;
                    read $connection, my $length, 2;
                    read $connection, my $query, unpack 'n', $length;
                    my $answer = $script->($query, 1);
                    print {$connection} pack 'n/a', $answer if defined $answer;
                    close $connection;
                } elsif (defined $socket->recv(my $query, 4096)) {
                    my @answers = $script->($query, 0);
                    $socket->send($_) for grep {defined} @answers;
                }
            }
        }
        require POSIX;
        POSIX::_exit(0);
    }
    return ($socket->sockport, $pid);
}

sub question_name {
    my ($query) = @_;
    my ($offset, @labels) = (12);
    while (my $length = ord substr $query, $offset, 1) {
        push @labels, substr $query, $offset + 1, $length;
        $offset += 1 + $length;
    }
    return (join('.', @labels), unpack('n', substr $query, $offset + 1), $offset + 5);
}

sub make_answer {
    my ($query, $flags, @data) = @_;
    my ($name, $type, $end) = question_name($query);
    my $records = join '', map { pack 'n3Nn/a', 0xc00c, $type, 1, 60, $_ } @data;
    return pack('n', unpack 'n', $query) . pack('n5', $flags, 1, scalar @data, 0, 0)
        . substr($query, 12, $end - 12) . $records;
}

my $two = pack 'C4', 127, 0, 0, 2;
my ($port, $pid) = scripted_dns(
    sub {
        my ($query, $is_tcp) = @_;
        my ($name, $type) = question_name($query);
        my $is_point = $name =~ /\A2\.0\.0\.127\./;
        my ($zone) = lc($name) =~ /([a-z]+)\.example\z/;
        return make_answer($query, 0x8182) if $zone eq 'servfail';
        return make_answer($query, 0x8185) if $zone eq 'refused';
        return if $zone eq 'silent';
        return "\1\2\3" if $zone eq 'rubbish';
        return make_answer($query, 0x8180, pack 'C4', 198, 18, 0, 9) if $zone eq 'rewrite';
        return make_answer($query, 0x8180, $two) if $zone eq 'good' && ($is_point || $type == 1 && $name =~ /\A9/);
        return make_answer($query, $is_tcp ? 0x8180 : 0x8380, $is_tcp ? ($two) : ()) if $zone eq 'large';
        if ($zone eq 'forged') {    # the name in lower case, then the identifier wrong, then right
            my $lower = make_answer($query, 0x8180, pack 'C4', 127, 0, 0, 3);
            substr($lower, 12) = lc substr $lower, 12;
            my $other = make_answer($query, 0x8180, pack 'C4', 127, 0, 0, 3);
            substr($other, 0, 2) = pack 'n', unpack('n', $other) ^ 1;
            return ($lower, $other, make_answer($query, 0x8180, $two));
        }
        if ($zone eq 'lowered') {    # as a name server that does not repeat the case of names
            my $answer = make_answer($query, 0x8180, $two);
            substr($answer, 12) = lc substr $answer, 12;
            return $answer;
        }
        return make_answer($query, 0x8183);
    }
);

my @kinds = qw(servfail refused silent rubbish rewrite good large forged lowered);
my %expected = (good => 1, large => 1, forged => 1, lowered => 1);
for my $kind (@kinds) {
    my $other = Postvalve::Daemon->new('policyd', config => {
        service => \%service,
        rbl => {
            nameservers => ["inet:127.0.0.1:$port"],
            checks      => ["reject_rbl_client $kind.example=127.0.0.2"],
            test_points => ["$kind.example off"],
            deadline_ms => { calm => 300 },
            default_reply => '554 $rbl_domain',
        },
    })->start;
    my ($action, $time_s) = answer_time(client($other), client_address => '203.0.113.9');
    is $action, $expected{$kind} ? "554 5.7.1 $kind.example" : 'DUNNO', "answers: $kind";
    ok $time_s < 0.6, "in time ($time_s s)";
    is $other->stop, 0, 'and an orderly end';
}

kill 'TERM', $pid;
waitpid $pid, 0;

is $policyd->stop, 0, 'end';
finish();
