#!/usr/bin/perl
# postvalvectl explain: the facts of a client, its class, what the daemons would do.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Daemon;
use Postvalve::Dns;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;

use constant { USAGE => 64 };

my $ctl = program('ctl');
my $dir = temp_dir();
my $redis = Postvalve::Redis->new->start;
our %config = (
    host    => 'mx1',
    reply   => { hang_up_later => "4.3.2 Come again" },
    redis   => { server => 'unix:' . $redis->path },
    trusted => { networks => ['203.0.113.0/24'], allow => ['203.0.114.1/32'] },
);

sub ctl {
    write_json("$dir/config.json", \%config);
    return run_command([ $ctl, '--config', "$dir/config.json", @_ ]);
}

sub explained {
    my ($status, $output) = ctl('explain', @_, '--json');
    is $status, 0, "explain @_";
    return eval { JSON::PP->new->decode($output) } // do { diag $output; {} };
}

sub remember {
    my ($client, %field) = @_;
    my $now_s = time;
    $redis->command('HSET', "pv:client:$client", first => $now_s - 100000, last => $now_s, %field);
    return;
}

subtest 'nothing is known' => sub {
    my ($status, $output) = ctl(qw(explain 198.18.2.1));
    is $status, 0, 'exit status';
    is $output, <<'TEXT', 'the text';
class     unknown, reason=no-history
client    198.18.2.1: no record in Redis
network   198.18.2.0/24: no record in Redis
pressure  not known: no daemon of this host published one; taken as calm
now       continue client=198.18.2.1 class=unknown reason=no-history
          evidence=none rule=admit code=0 stage=CONNECT level=calm pressure=0.00
          slots=0/0 waiting=0 stress=no
calm      let in, rule=admit
elevated  let in up to 0.80 of the slots, rule=ceiling ceiling=0.80, above: 421
          4.3.2 Come again
stressed  let in up to 0.80 of the slots, rule=ceiling ceiling=0.80, above: 421
          4.3.2 Come again
critical  let in up to 0.80 of the slots, rule=ceiling ceiling=0.80, above: 421
          4.3.2 Come again
TEXT
};

subtest 'a bot' => sub {
    remember('198.18.2.2', silent => 20);
    my $data = explained(qw(198.18.2.2 --pressure 0.9));
    is_deeply [ @{$data}{qw(class reason scope)} ], [qw(bot bad-history client)], 'class and why';
    my $history = $data->{history}{client};
    is $history->{state}, 'known', 'the record';
    cmp_ok abs($history->{counts}{silent} - 20), '<', 0.1, '... its evidence';
    cmp_ok $history->{bad_score}, '>', 6, '... and points';
    is $data->{history}{network}{key}, '198.18.2.0/24', 'the network';
    is $data->{history}{domain}, undef, 'no name, no domain';
    is_deeply [ @{ $data->{now} }{qw(level source code rule)} ], [qw(stressed assumed 521 bot)], 'now';
    ok !$data->{now}{admitted}, '... is not let in';
    like $data->{now}{log}, qr/^hang-up client=198\.18\.2\.2 class=bot reason=bad-history evidence=silent:/,
        '... as in the log';
    is $data->{levels}{calm}{admitted}, 'in', 'calm';
    is_deeply [ @{ $data->{levels}{stressed} }{qw(admitted code)} ], [qw(out 521)], 'stressed';
};

subtest 'good by its domain' => sub {
    remember('example.org', accepted => 100);
    my $data = explained(qw(198.18.2.1 --name mx3.mail.example.org --pressure 0.99));
    is_deeply [ @{$data}{qw(class reason scope)} ], [qw(good good-domain domain)], 'class and why';
    is $data->{history}{domain}{key}, 'example.org', 'the domain';
    is $data->{now}{code}, 0, 'let in';
    is $data->{levels}{critical}{ceiling}, 1, 'its ceiling';
};

subtest 'settings and the list' => sub {
    is explained('203.0.113.9')->{reason}, 'trusted-network', 'trusted';
    my $data = explained('203.0.114.1');
    is_deeply [ @{$data}{qw(reason allowed)} ], [ 'allowed', JSON::PP::true ], 'allowed by the configuration';
    ctl(qw(block 198.51.100.0/24 --for 1h --note), 'a flood');
    $data = explained('198.51.100.3');
    is_deeply [ @{$data}{qw(class reason)} ], [qw(bot blocked)], 'blocked';
    is_deeply [ @{ $data->{list} }{qw(kind key note)} ], [ 'block', '198.51.100.0/24', 'a flood' ], 'by whom';
    is $data->{levels}{calm}{admitted}, 'out', 'at every level';
    my (undef, $output) = ctl(qw(explain 198.51.100.3));
    like $output, qr/^list      block 198\.51\.100\.0\/24, \w+ more, by \S+: a flood$/m, 'the text';
};

subtest 'the same words as the daemons' => sub {
    my $port = free_port();
    my $smtp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 9) or die $!;
    my $policyd = Postvalve::Daemon->new(
        'policyd',
        redis  => $redis,
        config => { host => 'mx1', service => { port => 0 + $port, slot_limit => 4 }, admission => { bot_level => 'calm' } }
    )->start;
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    like $client->request(client_address => '198.18.2.2', client_port => 9, server_port => $port,
        client_name => 'unknown', protocol_state => 'CONNECT'), qr/^521 /, 'hung up on';
    my $logged = $policyd->wait_log(qr/hang-up client=198\.18\.2\.2.*/);
    my ($line) = $policyd->log_text =~ /(hang-up client=198\.18\.2\.2.*)/;
    local %config = %{ $policyd->config };
    my $data;
    wait_ok { ($data = explained('198.18.2.2'))->{now}{source} eq 'published' } 30, 'policyd publishes';
    s/silent:[\d.]+/silent:N/ for $line, $data->{now}{log};
    is $data->{now}{log}, $line, 'the log line';
};

subtest 'DNS lists and addresses' => sub {
    my $dns = Postvalve::Dns->new(zones => [
        [ 'zen.example', 'ip4set', ":127.0.0.2:in the list: \$\n127.0.0.2\n198.18.3.1 :127.0.0.10:a dial-up\n" ],
        [ 'dbl.example', 'dnset', ":127.0.0.2:\ntest\nspam.example\n" ],
    ])->start;
    my $policyd = Postvalve::Daemon->new(
        'policyd',
        redis  => $redis,
        config => {
            host   => 'mx3',
            rbl    => {
                nameservers => [ 'inet:127.0.0.1:' . $dns->port ],
                checks      => [ 'reject_rbl_client zen.example=127.0.0.10', 'reject_rhsbl_sender dbl.example' ],
            },
            verify => { domains => ['relay.example'], requests => 'all', readable => JSON::PP::true },
        }
    )->start;
    local %config = %{ $policyd->config };
    my $before = explained(qw(198.18.3.1 --sender a@spam.example));
    is_deeply [ map { $_->{state} } @{ $before->{dns_lists} } ], [ ('not-remembered') x 2 ], 'nobody has asked';
    is $before->{now}{code}, 0, '... so nothing follows';

    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    my $port = 5000;
    my $answer = $client->request(client_address => '198.18.3.1', client_port => ++$port, server_port => $config{service}{port}, sender => 'a@spam.example');
    like $answer, qr/^554 5\.7\.1 /, 'listed';
    my $data;
    wait_ok { ($data = explained(qw(198.18.3.1 --sender a@spam.example)))->{dns_lists}[0]{state} eq 'listed' } 30,
        'what policyd learned is shown';
    is_deeply [ map { [ @{$_}{qw(list subject state)} ] } @{ $data->{dns_lists} } ],
        [ [qw(zen.example 198.18.3.1 listed)], [qw(dbl.example spam.example listed)] ], 'list by list';
    is_deeply [ @{ $data->{now} }{qw(rule code)} ], [qw(rbl 554)], 'what would happen';
    is "554 $data->{levels}{calm}{text}", $answer, 'the very reply';
    is_deeply [ map { $_->{state} } @{ explained('198.18.3.1')->{dns_lists} } ], ['listed'], 'no sender, no list of senders';
    my (undef, $text) = ctl(qw(explain 198.18.3.1));
    like $text, qr/^dns list  zen\.example: 198\.18\.3\.1 listed: 127\.0\.0\.10/m, 'the text';

    $redis->command('HSET', 'pv:rcpt:no%40relay.example', status => 'undeliverable', updated => time - 60, text => 'no such user');
    $client->request(client_address => '198.18.3.2', client_port => ++$port, server_port => $config{service}{port}, sender => 'a@b.example', recipient => 'no@relay.example')
        =~ /^(\d+) (.*)/;
    my ($code, $said) = ($1, $2);
    $data = explained(qw(198.18.3.2 --recipient no@relay.example --sender), '');
    is_deeply [ @{ $data->{recipient} }{qw(verified status reason)} ], [ JSON::PP::true, 'undeliverable', 'no such user' ],
        'the recipient';
    is $data->{verify}{code}, 0, 'a bounce is not turned away';
    $data = explained(qw(198.18.3.2 --recipient no@relay.example --sender a@b.example));
    is_deeply [ @{ $data->{verify} }{qw(rule code text)} ], [ 'undeliverable', $code, $said ], 'the very answer';
    is explained(qw(198.18.3.2 --recipient x@other.example))->{recipient}{verified}, JSON::PP::false, 'another domain';
    (undef, $text) = ctl(qw(explain 198.18.3.2 --recipient no@relay.example --sender a@b.example));
    like $text, qr/^recipient undeliverable, found 1m\w* ago: no such user$/m, 'the text';
    like $text, qr/^answer    550 5\.1\.1 /m, '... and the answer';
};

subtest 'without Redis' => sub {
    $redis->stop;
    my $data = explained('198.18.2.2');
    is_deeply [ @{$data}{qw(class reason)} ], [qw(unknown no-answer)], 'class and why';
    my (undef, $output) = ctl(qw(explain 198.18.2.2));
    like $output, qr/^client    198\.18\.2\.2: not known: \S/m, 'the reason';
    local $config{redis} = { server => '' };
    is explained('198.18.2.2')->{history}{client}{state}, 'missing', 'none configured';
};

subtest 'what makes no sense' => sub {
    is +(ctl('explain', @{$_}))[0], USAGE, "explain @{$_}"
        for [], ['example'], [qw(198.18.2.1 198.18.2.2)], [qw(198.18.2.1 --pressure x)], [qw(198.18.2.1 --name)];
};

finish();
