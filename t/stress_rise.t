#!/usr/bin/perl
# A real Postfix whose slots silent clients take: the level rises within a fraction of a second
# and before Postfix says stress=yes, and falls again while Postfix still says so. With each way
# of being asked.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::Daemon ();
use Postvalve::PolicyClient ();
use Postvalve::Postfix ();
use Postvalve::Redis ();
use Postvalve::Smtp ();
use Postvalve::Stress ();
use Postvalve::Test;
use Time::HiRes ();

use constant {
    SLOTS     => 6,
    HOLD_S    => 3,
    WITHIN_MS => 300,
    TRIES     => 3,
};

my $redis = Postvalve::Redis->new->start;

sub policy_restrictions {
    my ($service) = @_;
    return (
        smtpd_delay_reject        => '${stress?{no}:{yes}}',
        smtpd_client_restrictions =>
            "check_policy_service { $service, timeout=5s, default_action=DUNNO }",
    );
}

sub milter_settings {
    my ($socket) = @_;
    return (
        smtpd_milters => "{ unix:$socket, default_action=accept, connect_timeout=5s, "
            . 'command_timeout=5s }',
        milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
    );
}

# Admission stays out of it: what is under test is what the daemons see.
my %config = (
    host      => 'mx',
    level     => { hold_s => HOLD_S, stressed => 0.95, critical => 1.1 },
    mode      => 'observe',
);

# Postfix's own first word of it, in a request or macro; the level has to be there before.
sub is_postfix_stressed {
    my ($postfix) = @_;
    return scalar grep { $_->{stress} } $postfix->smtpd_processes;
}

sub check {
    my ($postfix, $name) = @_;
    is(Postvalve::Stress::record($redis, 'mx')->{level}, 'calm', "$name: calm at first");
    my ($ms, @before, @last);
    for my $try (1 .. TRIES) {    # the machine may have something else to do just then
        @before = Postvalve::Stress::take($postfix, SLOTS - 1);
        @last = Postvalve::Stress::take($postfix, 1, 61);
        $ms = Postvalve::Stress::level_after($redis, 'mx', qr/stressed|critical/, now_s());
        last if $try == TRIES || defined $ms && $ms < WITHIN_MS;
        $_->close for @before, @last;
        Postvalve::Stress::level_after($redis, 'mx', qr/calm/, now_s(), HOLD_S + 5);
    }
    cmp_ok $ms // 99999, '<', WITHIN_MS, sprintf '... %.0f ms after the last slot was taken',
        $ms // -1;
    # The clients that come now are those that Postfix starts a process with stress=yes for.
    $_->close for @before[ 0, 1 ];
    my $next = Postvalve::Smtp->new(port => $postfix->port, source => '127.62.0.1');
    is $next->send_mail->code, 250, '... mail goes on';
    $_->close for @before, @last;
    my $end_s = now_s();
    $ms = Postvalve::Stress::level_after($redis, 'mx', qr/calm/, $end_s, HOLD_S + 5);
    cmp_ok $ms // 99999, '<', 1000 * (HOLD_S + 1), sprintf '... calm %.0f ms after they left',
        $ms // -1;
    # While it lasts: processes that start now still say so, and that raises nothing.
    my $probe = Postvalve::Smtp->new(port => $postfix->port, source => '127.62.0.2');
    is $probe->send_mail->code, 250, '... then mail is taken as ever';
    ok is_postfix_stressed($postfix), '... while Postfix goes on saying stress=yes';
    ok !defined Postvalve::Stress::level_after($redis, 'mx', qr/elevated|stressed|critical/,
        now_s(), 1), '... which nobody heeds any more';
    return;
}

sub daemon {
    my ($kind, $postfix, $listen) = @_;
    return Postvalve::Daemon->new(
        $kind,
        postfix => $postfix,
        redis   => $redis,
        config  => { %config, $kind => { listen => $listen } }
    )->start;
}

sub wait_record {
    my ($publisher) = @_;
    my $ms = Postvalve::Stress::field_after($redis, 'mx', 'publisher', $publisher, now_s(), 5);
    return ok defined $ms, "$publisher publishes";
}

subtest 'policyd alone' => sub {
    my $socket = temp_dir() . '/p1';
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS, main => { policy_restrictions("unix:$socket") })->start;
    my $policyd = daemon('policyd', $postfix, ["unix:$socket"]);
    wait_record('policyd');
    check($postfix, 'policyd');
    $policyd->stop;
    $postfix->stop;
};

subtest 'milter alone' => sub {
    my $socket = temp_dir() . '/m2';
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS, main => { milter_settings($socket) })->start;
    my $milter = daemon('milter', $postfix, "unix:$socket");
    wait_record('milter');
    check($postfix, 'milter');
    $milter->stop;
    $postfix->stop;
};

subtest 'both' => sub {
    my ($policy, $socket) = map { temp_dir() . "/${_}3" } qw(p m);
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS,
        main          => { policy_restrictions("unix:$policy"), milter_settings($socket) }
    )->start;
    my $policyd = daemon('policyd', $postfix, ["unix:$policy"]);
    my $milter = daemon('milter', $postfix, "unix:$socket");
    wait_record('milter');
    check($postfix, 'both');
    $_->stop for $milter, $policyd, $postfix;
};

# A spawned process publishes nothing: its own requests show what it makes of the moment.
subtest 'spawn only' => sub {
    my $postfix = Postvalve::Postfix->new(process_limit => SLOTS)->start;
    my $daemon = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis,
        config => { host => 'mx4', level => $config{level} });
    $daemon->configure;
    $redis->command('HSET', 'pv:client:192.0.2.4', silent => 50, first => time - 100,
        last => time);
    my $spawned = sub {
        return Postvalve::PolicyClient->new(command => [
            Postvalve::Test::program('policyd'), '--spawn', '--config', $daemon->config_file ]);
    };
    my $client = $spawned->();
    my $ask = sub {
        my (%more) = @_;
        return $client->request(client_address => '192.0.2.4', server_port => $postfix->port,
            protocol_state => 'CONNECT', %more) // '(closed)';
    };
    like $ask->(), qr/\ADUNNO/, 'calm: a bot goes on';
    # The first request that can know it does: a reading of quiet slots may be 150 ms old.
    my @sessions = Postvalve::Stress::take($postfix, SLOTS);
    my $begin_s = now_s();
    my ($ms, $answer);
    wait_until { $ms = 1000 * (now_s() - $begin_s); ($answer = $ask->()) =~ /\A521/ } 10;
    like $answer, qr/\A521/, 'stressed: it goes';
    cmp_ok $ms, '<', WITHIN_MS, sprintf '... from a request on that came %.0f ms after the last slot was taken', $ms;
    ok is_postfix_stressed($postfix), '... which Postfix knows by now, and no request has said';
    for (1 .. 3) { # not more: who is turned away counts for the level
        Time::HiRes::sleep(0.15);
        $ask->();
    }
    $_->close for @sessions;
    wait_until { !Postvalve::Stress::connections($postfix->port) } 30, 'all sessions to end';
    my $free_s = now_s();
    like $ask->(), qr/\A521/, 'held for a while';
    wait_until { now_s() > $free_s + HOLD_S + 1 } 30;
    like $ask->(), qr/\ADUNNO/, 'calm again within a second of the hold time';
    $client->close;
    $client = $spawned->();
    like $ask->(stress => 'yes'), qr/\A521/, 'stress=yes that is news to a new process';
    $client->close;
    $postfix->stop;
};

# Behind postscreen(8) smtpd is a "pass" service: clients that postscreen holds have no slot.
subtest 'postscreen in front' => sub {
    my $socket = temp_dir() . '/m5';
    my $port = free_port();
    my $postfix = Postvalve::Postfix->new(
        port   => $port,
        main   => { milter_settings($socket), postscreen_greet_wait => '1s',
            postscreen_access_list => 'static:permit', postscreen_cache_map => '' },
        master => [ 'smtpd pass - - n - ' . SLOTS . ' smtpd', "$port inet n - n - 1 postscreen" ],
        is_without_smtp => 1,
    )->start;
    my $milter = Postvalve::Daemon->new(
        'milter',
        redis  => $redis,
        config => {
            %config,
            service => { name => 'smtpd', port => $port, slot_limit => 'auto',
                postfix_config_directory => $postfix->config_dir },
            milter => { listen => "unix:$socket" },
        }
    )->start;
    wait_record('milter');
    is(Postvalve::Stress::record($redis, 'mx')->{slot_limit}, SLOTS, 'the slots of the pass service');
    my @sessions = map { Postvalve::Smtp->new(port => $port, source => "127.63.0.$_") } 1 .. SLOTS;
    $_->banner for @sessions;
    my $ms = Postvalve::Stress::level_after($redis, 'mx', qr/stressed|critical/, now_s());
    cmp_ok $ms // 99999, '<', WITHIN_MS, sprintf 'stressed after %.0f ms', $ms // -1;
    $_->close for @sessions;
    $ms = Postvalve::Stress::level_after($redis, 'mx', qr/calm/, now_s(), HOLD_S + 5);
    cmp_ok $ms // 99999, '<', 1000 * (HOLD_S + 1), sprintf 'calm after %.0f ms', $ms // -1;
    $milter->stop;
    $postfix->stop;
};

finish();
