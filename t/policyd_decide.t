#!/usr/bin/perl
# Decisions of policyd: history from Redis, pressure from the kernel, one decision a session.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use JSON::PP ();
use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;
use Time::HiRes ();

use constant SLOTS => 10;

my $later = qr/\A421 4\.3\.2 /;
my $bot = qr/\A521 5\.7\.1 /;

my $redis = Postvalve::Redis->new->start;
my $port = free_port();
my %service = (port => 0 + $port, slot_limit => SLOTS);

sub remember {
    my ($client, %field) = @_;
    my $now_s = time;
    $redis->command('HSET', "pv:client:$client", first => $now_s - 100000, last => $now_s,
        %field);
    return;
}
sub remember_all {
    remember('198.51.100.1', accepted => 50);
    remember('198.51.100.2', silent => 20);
    remember('2001:db8:1:2::/64', silent => 20);
    return;
}
remember_all();

# The protected service, with so many busy slots.
my $smtp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 100)
    or die "listen: $@";
my @sessions;

# Waits until the daemon has seen it: a reading may be kept for a while.
sub occupy {
    my ($count, $policyd) = @_;
    splice @sessions, $count if @sessions > $count;
    while (@sessions < $count) {
        my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
            or die "connect: $@";
        push @sessions, [ $client, scalar $smtp->accept ];
    }
    return if !$policyd;
    ok wait_until(
        sub {
            my @seen = $policyd->log_text =~ /service 0 slots=(\d+)/g;
            return @seen && $seen[-1] == $count;
        },
        5
    ), "$count slots are busy";
    return;
}

# The one before ends: two of one host would share the lease of its record.
my $last;
sub daemon {
    my (%change) = @_;
    $last->stop if $last;
    $last = Postvalve::Daemon->new(
        'policyd',
        redis  => $redis,
        config => { service => \%service, log => { verbose => JSON::PP::true }, %change }
    )->start;
    return $last;
}

my $client_port = 1000;

# A new session on a connection of its own, unless given.
sub ask {
    my ($policyd, $address, %change) = @_;
    my $client = delete $change{over} // Postvalve::PolicyClient->new($policyd->endpoint);
    $client_port++;
    return $client->request(
        client_address => $address,
        client_port    => $client_port,
        server_port    => $port,
        %change
    ) // 'no answer: ' . $client->reason;
}

subtest 'classes and ceilings' => sub {
    my $policyd = daemon();
    occupy(0, $policyd);
    is ask($policyd, '198.51.100.2'), 'DUNNO', 'calm: a bot is in';
    occupy(7, $policyd);
    is ask($policyd, '198.51.100.1'), 'DUNNO', 'elevated: a good client is in';
    is ask($policyd, '198.51.100.3'), 'DUNNO', 'an unknown one below its ceiling too';
    like ask($policyd, '198.51.100.2'), $bot, 'a bot is not';
    like ask($policyd, '2001:db8:1:2::77'), $bot, 'another address of its /64 neither';
    is ask($policyd, '2001:db8:1:3::77'), 'DUNNO', 'the next /64 is another client';
    occupy(9, $policyd);
    is ask($policyd, '198.51.100.1'), 'DUNNO', 'stressed: a good client is in';
    like ask($policyd, '198.51.100.3'), $later, 'an unknown one has to come again';
    like ask($policyd, '198.51.100.2'), $bot, 'a bot is out';
    is ask($policyd, '198.51.100.2', sasl_username => 'alice'), 'DUNNO', 'unless it has a name';
    is ask($policyd, 'unknown'), 'DUNNO', 'a client without address is in';
    is ask($policyd, '198.51.100.2', protocol_state => $_), 'DUNNO', "never hung up on at $_"
        for qw(VRFY ETRN);
    like ask($policyd, '198.51.100.2', protocol_state => $_), $bot, "hung up on at $_"
        for qw(CONNECT EHLO HELO MAIL RCPT DATA END-OF-MESSAGE);
    like $policyd->wait_log(qr/client=198\.51\.100\.3/),
        qr{hang-up client=\S+ class=unknown \S+ \S+ rule=ceiling ceiling=0\.80 code=421 stage=RCPT},
        'told in the log';
    like $policyd->wait_log(qr/client=2001:db8:1:2::77/), qr/class=bot .*code=521/, 'each';
    is $policyd->stop, 0, 'ends in order';
};

subtest 'other services are left alone' => sub {
    my $policyd = daemon();
    occupy(10, $policyd);
    is ask($policyd, '198.51.100.2', server_port => 587), 'DUNNO', 'submission';
    like ask($policyd, '198.51.100.2', server_port => undef), $bot,
        'a Postfix that does not say the port';
};

subtest 'one decision a session' => sub {
    my $policyd = daemon();
    occupy(0, $policyd);
    my $smtpd = Postvalve::PolicyClient->new($policyd->endpoint);
    my @session = (over => $smtpd, client_port => 40000);
    is ask($policyd, '198.51.100.3', @session, protocol_state => 'CONNECT'), 'DUNNO',
        'admitted while calm';
    occupy(10, $policyd);
    is ask($policyd, '198.51.100.3', @session, protocol_state => $_), 'DUNNO',
        "not thrown out at $_" for qw(MAIL RCPT RCPT DATA);
    like ask($policyd, '198.51.100.3', over => $smtpd, client_port => 40001), $later,
        'its next session';
    like ask($policyd, '198.51.100.4', over => $smtpd, client_port => 40000), $later,
        'another client';
    occupy(0, $policyd);
    is ask($policyd, '198.51.100.3', @session), 'DUNNO', 'admitted again';
    occupy(10, $policyd);
    like ask($policyd, '198.51.100.3', @session, protocol_state => 'CONNECT'), $later,
        'a new session from the same port';
    like ask($policyd, '198.51.100.3', @session), $later, 'is not taken for the old one';

    my @message = (over => $smtpd, client_port => undef, instance => '1.2.3.0');
    occupy(0, $policyd);
    is ask($policyd, '198.51.100.3', @message), 'DUNNO', 'without a port';
    occupy(10, $policyd);
    is ask($policyd, '198.51.100.3', @message), 'DUNNO', 'the instance is remembered';
    like ask($policyd, '198.51.100.3', @message, instance => '1.2.4.1'), $later, 'not others';
    like ask($policyd, '198.51.100.3', over => $smtpd, client_port => undef, instance => ''),
        $later, 'neither port nor instance: nothing to remember';
    like ask($policyd, '198.51.100.3', over => $smtpd, client_port => undef, instance => ''),
        $later, 'really';
};

subtest 'stress=yes of Postfix' => sub {
    occupy(0); # where it has seen the slots full, that is what the flag is about
    my $policyd = daemon();
    occupy(0, $policyd);
    is ask($policyd, '198.51.100.2'), 'DUNNO', 'calm';
    like ask($policyd, '198.51.100.2', stress => 'yes'), $bot, 'stress makes it stressed';
    like ask($policyd, '198.51.100.2'), $bot, 'an older process says nothing: remembered';
    is ask($policyd, '198.51.100.3', stress => 'yes'), 'DUNNO', 'free slots are not refused';
};

subtest 'modes' => sub {
    my $policyd = daemon(mode => 'observe');
    occupy(10, $policyd);
    my $smtpd = Postvalve::PolicyClient->new($policyd->endpoint);
    my @session = (over => $smtpd, client_port => 40002);
    is ask($policyd, '198.51.100.2', @session, protocol_state => $_), 'DUNNO',
        "observe: a bot is in at $_" for qw(CONNECT MAIL RCPT);
    is ask($policyd, '198.51.100.3'), 'DUNNO', 'observe: an unknown client is in';
    ok $policyd->wait_log(qr/would-hang-up client=198\.51\.100\.3 .*code=421/), 'but told';
    is scalar(() = $policyd->log_text =~ /would-hang-up client=198\.51\.100\.2/g), 1,
        'each session once';

    $policyd->configure({ mode => 'off' });
    $policyd->reload;
    ok $policyd->wait_log(qr/configuration taken over/), 'reload';
    is ask($policyd, '198.51.100.2'), 'DUNNO', 'off: a bot is in';
    $policyd->configure({ mode => 'enforce', trusted => { allow => ['198.51.100.2'] } });
    $policyd->reload;
    ok wait_until(sub { ask($policyd, '198.51.100.3') =~ $later }, 5), 'enforce';
    is ask($policyd, '198.51.100.2'), 'DUNNO', 'an allowed bot is in';
    like ask($policyd, '198.51.100.5', sender => 'x'), $later, 'others are not';
};

subtest 'history in memory' => sub {
    my $policyd = daemon(memory => { fresh_ms => 60000 });
    occupy(10, $policyd);
    remember('198.51.100.7', silent => 20);
    like ask($policyd, '198.51.100.7'), $bot, 'read from Redis';
    $redis->command('DEL', 'pv:client:198.51.100.7');
    like ask($policyd, '198.51.100.7'), $bot, 'then from memory';
    $redis->command('CONFIG', 'RESETSTAT');
    ask($policyd, '198.51.100.7') for 1 .. 20;
    unlike $redis->command('INFO', 'commandstats'), qr/cmdstat_hgetall:calls=[2-9]\d/,
        'without asking again';
};

sub with_redis_trouble {
    my ($what, $policyd, $deadline_s) = @_;
    my $begin_s = now_s();
    like ask($policyd, '198.51.100.2'), $bot, "$what: what memory knows counts";
    like ask($policyd, '198.51.100.200'), $later, "$what: without history: unknown";
    like ask($policyd, '198.51.100.201'), $later, "$what: also the next";
    cmp_ok now_s() - $begin_s, '<', $deadline_s, "$what: nobody waits long";
    return;
}

subtest 'Redis in trouble' => sub {
    my $policyd = daemon(
        memory => { fresh_ms => 100 },
        redis  => { server => 'unix:' . $redis->path, deadline_ms => 100, retry_ms => 100 }
    );
    occupy(10, $policyd);
    like ask($policyd, '198.51.100.2'), $bot, 'all is well';
    select undef, undef, undef, 0.15;
    $redis->pause;
    with_redis_trouble('hanging', $policyd, 1);
    my @waiting = map { Postvalve::PolicyClient->new($policyd->endpoint) } 1 .. 50;
    $waiting[$_]->send_raw(Postvalve::PolicyClient::format_request(
        client_address => "203.0.113.$_", server_port => $port)) for 0 .. 49;
    is scalar(grep { ($_->read_action(2) // '') =~ $later } @waiting), 50,
        'many questions at a time end in time';
    $redis->resume;
    ok wait_until(sub { $redis->command('EXISTS', 'pv:host:test') }, 5), 'it is used again';
    $redis->kill9;
    with_redis_trouble('gone', $policyd, 1);
    cmp_ok scalar(() = $policyd->log_text =~ /warning: .*edis/g), '<', 8, 'few words about it';
    $redis->start;
    remember_all();
    ok wait_until(sub { ask($policyd, '198.51.100.1') eq 'DUNNO' }, 5), 'back: history counts';
    is $policyd->stop, 0, 'ends in order';
};

subtest 'the end while Redis hangs' => sub {
    my $policyd = daemon();
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    occupy(10, $policyd);
    $redis->pause;
    $client->send_raw(Postvalve::PolicyClient::format_request(
        client_address => '203.0.113.99', server_port => $port));
    select undef, undef, undef, 0.05;
    $policyd->send_signal('TERM');
    like $client->read_action, $later, 'the pending question is answered';
    is $policyd->process->wait_exit(5), 0, 'then it ends';
    $redis->resume;
};

subtest 'a client that leaves while Redis is asked' => sub {
    my $policyd = daemon();
    $redis->pause;
    for my $i (1 .. 20) {
        my $client = Postvalve::PolicyClient->new($policyd->endpoint);
        $client->send_raw(Postvalve::PolicyClient::format_request(
            client_address => "203.0.113.1$i", server_port => $port));
        $client->close;
    }
    $redis->resume;
    ok wait_until(sub { ask($policyd, '198.51.100.1') eq 'DUNNO' }, 5), 'harms nobody';
    is $policyd->stop, 0, 'ends in order';
};

subtest 'the record of this host' => sub {
    $redis->command('DEL', 'pv:host:test');
    occupy(9);
    my $policyd = daemon();
    my %record;
    ok wait_until(
        sub {
            %record = @{ $redis->command('HGETALL', 'pv:host:test') };
            return ($record{busy} // 0) == 9;
        },
        5
    ), 'is published';
    is $record{publisher}, 'policyd', 'by policyd';
    is $record{slot_limit}, SLOTS, 'slot limit';
    is $record{pressure}, '0.900', 'pressure';
    is $record{waiting}, 0, 'waiting';
    is $record{postfix_stress}, 'no', 'stress';
    is $record{sessions}, 9, 'sessions';
    like $record{level}, qr/\A(?:calm|elevated|stressed|critical)\z/, 'level';
    cmp_ok abs($record{updated} - time), '<', 5, 'when';
    my $left_s = $redis->command('TTL', 'pv:host:test');
    ok $left_s > 0 && $left_s <= 10, 'as a lease';

    like ask($policyd, '198.51.100.3'), $later, 'policyd decides at RCPT';
    my $milter_offers = sub {
        my $now_ms = int(1000 * Time::HiRes::time());
        $redis->command('HSET', 'pv:host:test', publisher => 'milter', id => 'milter:x',
            renewed_ms => $now_ms, milter_seen_ms => $now_ms, busy => 77);
    };
    ok wait_until(sub { $milter_offers->(); ask($policyd, '198.51.100.3') eq 'DUNNO' }, 5),
        'with a milter, a session at RCPT was admitted by it';
    $milter_offers->();
    is ask($policyd, '198.51.100.3', protocol_state => 'CONNECT'), 'DUNNO',
        'at CONNECT the milter is about to decide';
    like ask($policyd, '198.51.100.2', protocol_state => 'CONNECT'), $bot, 'bots go at CONNECT';
    like ask($policyd, '198.51.100.2'), $bot, '... and at any time';
    is $redis->command('HGET', 'pv:host:test', 'busy'), 77, 'the record is left to the milter';
    ok wait_until(sub { ask($policyd, '198.51.100.3') =~ $later }, 5), 'until it goes silent';
    ok wait_until(
        sub { ($redis->command('HGET', 'pv:host:test', 'publisher') // '') eq 'policyd' }, 5),
        'then policyd publishes again';
};

subtest 'without a slot limit' => sub {
    my $policyd = daemon(service => { %service, slot_limit => 'auto',
        postfix_config_directory => '/nonexistent/postfix' });
    ok wait_until(sub { $redis->command('HEXISTS', 'pv:host:test', 'level') }, 5), 'it publishes';
    $redis->command('CONFIG', 'RESETSTAT');
    select undef, undef, undef, 2;
    my ($calls) = $redis->command('INFO', 'commandstats') =~ /cmdstat_eval:calls=(\d+)/;
    cmp_ok $calls, '<', 40, "... no more often: $calls scripts in 2 s";
    is ask($policyd, '198.51.100.3'), 'DUNNO', 'and holds nobody back';
};

subtest 'beside a milter, which counts exactly' => sub {
    occupy(0);
    my $policyd = daemon();
    occupy(0, $policyd);
    is ask($policyd, '198.51.100.2'), 'DUNNO', 'calm: a bot is in';
    my $milter_offers = sub {
        my $now_ms = int(1000 * Time::HiRes::time());
        $redis->command('HSET', 'pv:host:test', publisher => 'milter', id => 'milter:y',
            service => 'smtp', renewed_ms => $now_ms, milter_seen_ms => $now_ms,
            busy => 8, slot_limit => SLOTS, pressure => '0.800', level => 'stressed');
    };
    ok wait_until(sub { $milter_offers->(); ask($policyd, '198.51.100.2') =~ $bot }, 5),
        'its numbers and its level count';
    like $policyd->wait_log(qr/hang-up client=198\.51\.100\.2/), qr{level=stressed .*slots=8/10},
        'told in the log';
    ok wait_until(sub { ask($policyd, '198.51.100.2') eq 'DUNNO' }, 10),
        'it goes silent: what we count ourselves';
};

subtest 'the level' => sub {
    my $policyd = daemon(level => { sustain_ms => 100, hold_s => 1 });
    occupy(0, $policyd);
    occupy(10, $policyd);
    ok $policyd->wait_log(qr/level=critical before=\w+ by=sensors pressure=1\.00/), 'rises without requests';
    occupy(0, $policyd);
    ok $policyd->wait_log(qr/level=calm before=/), 'and falls';
};

finish();
