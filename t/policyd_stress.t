#!/usr/bin/perl
# policyd without a milter beside real Postfixes whose slots silent clients take: the level of
# each service is there within a fraction of a second, before Postfix itself says stress=yes,
# and falls while Postfix goes on saying so. When is told by the events that policyd publishes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon ();
use Postvalve::PolicyClient ();
use Postvalve::Postfix ();
use Postvalve::Redis ();
use Postvalve::ScriptedPolicy ();
use Postvalve::Smtp ();
use Postvalve::Stress ();
use Postvalve::Test;

use constant {
    SLOTS     => 6,
    HOLD_S    => 2,
    WITHIN_MS => 300,
    ATTEMPTS  => 3,      # this machine may be busy with something else
    WAIT_S    => 30,
};

my $stressed = qr/stressed|critical/;
my $redis    = Postvalve::Redis->new->start;

# Admission stays out of it. Only full slots call for stressed.
my %level = (hold_s => HOLD_S, stressed => 0.95, critical => 1.1);

sub policyd {
    my ($name, $socket, @services) = @_;
    return Postvalve::Daemon->new(
        'policyd',
        redis  => $redis,
        config => {
            host => $name, mode => 'observe', service => undef, services => \@services,
            level => \%level, policyd => { listen => ["unix:$socket"] },
        }
    )->start;
}

sub service {
    my ($postfix, $name, $port) = @_;
    return { name => $name, port => 0 + $port, postfix_config_directory => $postfix->config_dir };
}

sub asks {
    my (@services) = @_;
    return join ', ', map {"check_policy_service { $_, timeout=5s, default_action=DUNNO }"} @services;
}

sub record { return Postvalve::Stress::record($redis, $_[0]) }

sub is_measured {
    my ($host, %wanted) = @_;
    return wait_ok {
        my $record = record($host);
        return !grep { ($record->{$_} // '') ne $wanted{$_} } keys %wanted;
    } WAIT_S, "$host: " . join ' ', map {"$_=$wanted{$_}"} sort keys %wanted;
}

# Silent clients take all slots of a port, then leave. Returns how it went: ms from the last
# slot to stressed and from the end to calm, and the changes of level.
sub flood {
    my ($host, $service, $port, $slots) = @_;
    my $begin_ms = Postvalve::Stress::wall_ms();
    my @clients = map { Postvalve::Smtp->new(port => $port, source => "127.60.0.$_") } 1 .. $slots;
    $_->banner(WAIT_S)->code == 220 or die 'no slot: ' . $_->banner->text for @clients;
    my $full_ms = Postvalve::Stress::wall_ms();
    my $up = Postvalve::Stress::change_to($redis, $host, $service, $stressed, $begin_ms, WAIT_S)
        or return {};
    $_->close for @clients;
    wait_until { !Postvalve::Stress::connections($port) } WAIT_S, 'all sessions to end';
    my $end_ms = Postvalve::Stress::wall_ms();
    my $down = Postvalve::Stress::change_to($redis, $host, $service, 'calm', $end_ms, WAIT_S)
        or return {};
    return {
        up => $up, up_ms => $up->{ms} - $full_ms, down_ms => $down->{ms} - $end_ms,
        begin_ms => $begin_ms, changes => [ Postvalve::Stress::changes($redis, $host, $service, $begin_ms) ],
    };
}

# The best of some attempts: what is too late once may be this machine, always is us.
sub check_flood {
    my (@flood) = @_;
    my $seen;
    for (1 .. ATTEMPTS) {
        $seen = flood(@flood);
        last if ($seen->{up_ms} // 9999) <= WITHIN_MS && $seen->{down_ms} <= 1000 * (HOLD_S + 1);
        diag sprintf 'not in time: %s ms up, %s ms down', $seen->{up_ms} // '-', $seen->{down_ms} // '-';
    }
    cmp_ok $seen->{up_ms} // 99999, '<=', WITHIN_MS, "stressed $seen->{up_ms} ms after the last slot was taken";
    cmp_ok $seen->{down_ms} // 99999, '<=', 1000 * (HOLD_S + 1), "calm $seen->{down_ms} ms after they left";
    my $levels = join ' ', map { $_->{to} } @{ $seen->{changes} };
    like $levels, qr/\A(?:elevated )?(?:stressed )?(?:critical )?(?:stressed )?(?:elevated )?calm\z/,
        "once up, once down: $levels";
    return $seen;
}

sub is_postfix_stressed {
    my ($postfix, $port) = @_;
    return scalar grep { $_->{stress} } $postfix->smtpd_processes($port);
}

subtest 'policyd alone' => sub {
    my $socket  = temp_dir() . '/p1';
    my $witness = Postvalve::ScriptedPolicy->new(sub {'DUNNO'})->start;
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS,
        main => { smtpd_recipient_restrictions => asks($witness->service, "unix:$socket") }
    )->start;
    my $policyd = policyd('mx1', $socket, service($postfix, 'smtp', $postfix->port));
    is_measured('mx1', publisher => 'policyd', slot_limit => SLOTS, busy => 0, level => 'calm');
    my $seen = check_flood('mx1', 'smtp', $postfix->port, SLOTS);
    like $seen->{up}{driver}, qr{\A(?:slots|waiting)\z}, 'by slots, not by what Postfix says';
    ok is_postfix_stressed($postfix), 'calm while Postfix still starts processes with stress=yes';

    my ($first, $count);
    for (1 .. SLOTS) { # one after the other: mail is served by the process that used up the limit, too
        my $probe = Postvalve::Smtp->new(port => $postfix->port, source => '127.62.0.2');
        is $probe->send_mail->code, 250, 'mail' or last;
        ($first) = grep { $_->{stress} } $witness->requests;
        last if $first;
    }
    ok $first, 'a request says stress=yes' or return;
    cmp_ok $seen->{up}{ms}, '<', $first->{'@'}, sprintf 'the first one came %d ms after the level rose',
        $first->{'@'} - $seen->{up}{ms};
    my $asked_ms = Postvalve::Stress::wall_ms();
    my ($client) = Postvalve::PolicyClient->new($policyd->endpoint);
    is $client->request(server_port => $postfix->port, stress => 'yes'), 'DUNNO', 'it goes on saying so';
    ok !defined Postvalve::Stress::change_to($redis, 'mx1', 'smtp', 'elevated|stressed', $asked_ms, 1),
        '... which is no news';
    $_->stop for $policyd, $postfix, $witness;
};

# Asked at CONNECT Postfix says so as it starts the process for the last slot; it is full enough
# before.
subtest 'slots fill one by one' => sub {
    my $socket  = temp_dir() . '/p2';
    my $witness = Postvalve::ScriptedPolicy->new(sub {'DUNNO'})->start;
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS,
        main          => {
            smtpd_delay_reject        => '${stress?{no}:{yes}}',
            smtpd_client_restrictions => asks($witness->service, "unix:$socket"),
        }
    )->start;
    my $policyd = policyd('mx2', $socket,
        { %{ service($postfix, 'smtp', $postfix->port) }, level => { stressed => 0.8, hold_s => 30 } });
    is_measured('mx2', publisher => 'policyd', slot_limit => SLOTS, busy => 0);
    my $begin_ms = Postvalve::Stress::wall_ms();
    my @clients;
    my $take = sub {
        push @clients, Postvalve::Smtp->new(port => $postfix->port, source => "127.61.0." . @clients);
        is $clients[-1]->banner(WAIT_S)->code, 220, 'slot ' . @clients;
    };
    $take->() for 1 .. SLOTS - 1;
    my $up = Postvalve::Stress::change_to($redis, 'mx2', 'smtp', $stressed, $begin_ms, WAIT_S);
    ok $up, 'stressed before the last slot is taken';
    $take->();
    my $first;
    wait_ok { ($first) = grep { $_->{stress} } $witness->requests; $first } WAIT_S,
        'with the last one Postfix says stress=yes';
    cmp_ok $up->{ms}, '<', $first->{'@'}, sprintf '... %d ms later', $first->{'@'} - $up->{ms};

    # A reload in the middle of it changes nothing.
    my $reload_ms = Postvalve::Stress::wall_ms();
    $policyd->reload;
    ok $policyd->wait_log(qr/configuration taken over/, WAIT_S), 'reload';
    $postfix->postconf('-F', $postfix->service . '/process_limit=9');
    is_measured('mx2', slot_limit => 9);
    is_deeply [ map { $_->{to} } Postvalve::Stress::changes($redis, 'mx2', 'smtp', $reload_ms) ], [],
        'levels outlive a reload, and another slot limit in master.cf';

    # What Postfix never says stress=yes for is told once, however often it is read.
    my $warnings = sub { return scalar(() = $policyd->log_text =~ /warning: .*$_[0]/g) };
    $postfix->postconf('-F', $postfix->service . '/process_limit=1');
    is_measured('mx2', slot_limit => 1);
    $postfix->postconf('-F', $postfix->service . '/process_limit=0');
    ok $policyd->wait_log(qr/no process limit \(0\)/, WAIT_S), 'a process limit of none is told';
    $policyd->reload;
    wait_ok { 2 == (() = $policyd->log_text =~ /configuration taken over/g) } WAIT_S, 'reload';
    $postfix->postconf('-F', $postfix->service . '/process_limit=3');
    is_measured('mx2', slot_limit => 3);
    is $warnings->(qr/no process limit/), 1, '... once';
    is $warnings->(qr/process limit of 1, /), 1, '... as is one of 1';
    $_->stop for $policyd, $postfix, $witness;
};

# Behind postscreen(8) smtpd is a "pass" service. As root policyd sees whose a connection is, as
# another user it goes by the number of processes, and by the name of the socket between the two:
# tests beside this one have other names.
for my $user ('root', 'nobody') {
    subtest "postscreen in front, as $user" => sub {
        my $port    = free_port();
        my $socket  = temp_dir() . "/p3$user";
        my $postfix = Postvalve::Postfix->new(
            port   => $port,
            main   => { postscreen_greet_wait => '1s', postscreen_access_list => 'static:permit',
                postscreen_cache_map => '', smtpd_service_name => "in$user",
                smtpd_recipient_restrictions => asks("unix:$socket") },
            master => [ "in$user pass - - n - " . SLOTS . ' smtpd', "$port inet n - n - 1 postscreen" ],
            is_without_smtp => 1,
        )->start;
        my $policyd = Postvalve::Daemon->new(
            'policyd',
            redis  => $redis,
            config => {
                host => "mx3$user", mode => 'observe', service => undef, level => \%level,
                services => [ service($postfix, 'smtp', $port) ],
                $user eq 'root' ? () : (user => $user),
            }
        )->start;
        is_measured("mx3$user", publisher => 'policyd', slot_limit => SLOTS, busy => 0);
        check_flood("mx3$user", 'smtp', $port, SLOTS);
        $user eq 'root'
            ? unlike $policyd->log_text, qr/CAP_SYS_PTRACE/, 'exact'
            : like $policyd->log_text, qr/CAP_SYS_PTRACE/, 'says that it estimates';
        $_->stop for $policyd, $postfix;
    };
}

# Slots fill, and who leaves them had nothing to say: elevated, before they are full.
subtest 'sessions that end in silence' => sub {
    my $socket  = temp_dir() . '/p5';
    my $postfix = Postvalve::Postfix->new(process_limit => 20)->start;
    my $policyd = policyd('mx5', $socket, { %{ service($postfix, 'smtp', $postfix->port) },
        level => { elevated => 0.9, stressed => 0.95, critical => 1.1 } });
    is_measured('mx5', publisher => 'policyd', slot_limit => 20, busy => 0);
    my $begin_ms = Postvalve::Stress::wall_ms();
    my @held = Postvalve::Stress::take($postfix, 9);
    is_measured('mx5', busy => 9, level => 'calm');
    is(Postvalve::Smtp->new(port => $postfix->port)->send_mail->code, 250, 'mail') for 1 .. 3;
    my $up;
    wait_ok {
        my @silent = Postvalve::Stress::take($postfix, 5, 61);
        Time::HiRes::sleep(2.2);    # silent for a second, and then looked at
        $_->close for @silent;
        ($up) = Postvalve::Stress::changes($redis, 'mx5', 'smtp', $begin_ms);
        return $up;
    } WAIT_S, 'the level rises';
    is "$up->{to} by $up->{driver}", 'elevated by lost_share', '... by the sessions that end';
    $_->stop for $policyd, $postfix;
};

# Each service has limits, pressure and level of its own.
subtest 'smtp and submission' => sub {
    my $socket  = temp_dir() . '/p4';
    my $postfix = Postvalve::Postfix->new(process_limit => SLOTS, submission => 1,
        main => { default_process_limit => 20 })->start;
    my $policyd = policyd('mx4', $socket, service($postfix, 'smtp', $postfix->port),
        service($postfix, 'submission', $postfix->submission_port));
    is_measured('mx4', service => 'smtp', slot_limit => SLOTS, 'submission.slot_limit' => 20,
        'submission.busy' => 0);
    $policyd->configure({ mode => 'enforce' });
    $policyd->reload;
    ok $policyd->wait_log(qr/configuration taken over/, WAIT_S), 'reload';
    $redis->command('HSET', 'pv:client:192.0.2.4', silent => 50, first => time - 100, last => time);
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    my $ask = sub { $client->request(client_address => '192.0.2.4', server_port => $_[0]) // '(closed)' };
    my @clients = Postvalve::Stress::take($postfix, SLOTS);
    is_measured('mx4', busy => SLOTS, level => 'stressed', 'submission.level' => 'calm',
        'submission.busy' => 0);
    like $ask->($postfix->port), qr/\A521/, 'a bot is hung up on';
    is $ask->($postfix->submission_port), 'DUNNO', '... not by submission';
    is $ask->(9), 'DUNNO', '... nor where nobody asked us to';
    my $taken_ms = Postvalve::Stress::wall_ms();
    push @clients, map { Postvalve::Smtp->new(port => $postfix->submission_port) } 1 .. SLOTS + 1;
    is_measured('mx4', 'submission.busy' => SLOTS + 1, 'submission.level' => 'calm',
        'submission.pressure' => '0.350');
    is_deeply [ Postvalve::Stress::changes($redis, 'mx4', 'submission', $taken_ms) ], [],
        'more than fill the slots of smtp';
    $_->close for @clients;
    $_->stop for $policyd, $postfix;
};

finish();
