#!/usr/bin/perl
# The stress monitor beside a real Postfix: smtpd on one port, postscreen in front of smtpd on
# another, silent clients that take all slots; watched with privileges and without.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Postfix;
use Postvalve::Smtp;
use Postvalve::Test;

use constant { LIMIT => 5, PASS_LIMIT => 4, HOLD_S => 3, DEADLINE_S => 10 };

my $screened_port = free_port();
my $postfix       = Postvalve::Postfix->new(
    process_limit => LIMIT,
    main          => {
        smtpd_service_name       => 'behind', # as unprivileged only the name tells it from other tests'
        smtpd_timeout            => '60s',    # in stress too: what is held in silence stays held
        postscreen_greet_wait    => '1s',
        postscreen_cache_map     => 'internal:postscreen',
    },
    master => [ "$screened_port inet n - n - 1 postscreen", 'behind pass - - n - ' . PASS_LIMIT . ' smtpd' ],
)->start;

my $config = write_json(temp_dir() . '/watch.json', {
    services => [
        { name => 'smtp',     port => $postfix->port,  postfix_config_directory => $postfix->config_dir },
        { name => 'screened', port => $screened_port,  postfix_config_directory => $postfix->config_dir },
    ],
    level => { hold_s => HOLD_S },
});

# A watcher: { service => [ { ms, level, busy, ... }, ... ] }, a row for each change.
sub start_watch {
    my (%option) = @_;
    pipe my $reader, my $writer or die "pipe: $!";
    my $process = start(
        cmd   => [ top_builddir() . '/t/tools/stress_watch', $config ],
        name  => "watch-$option{name}",
        stdin => $reader,
        $option{user} ? (user => $option{user}) : (),
    );
    return { %option, process => $process, writer => $writer };
}

sub rows {
    my ($watch, $service) = @_;
    my @rows;
    for my $line (split /\n/, $watch->{process}->log_text) {
        next if $line !~ /^ms=/;
        my %row = $line =~ /(\w+)=(\S+)/g;
        push @rows, \%row if $row{service} eq $service;
    }
    return @rows;
}

my @levels = qw(calm elevated stressed critical);
my %rank = map { $levels[$_] => $_ } 0 .. $#levels;

# The first row, not before ms, for which all this is so.
sub wait_row {
    my ($watch, $service, $from_ms, $what, $condition) = @_;
    return wait_until(
        sub {
            for my $row (rows($watch, $service)) {
                return $row if $row->{ms} >= $from_ms && $condition->($row);
            }
            return 0;
        },
        DEADLINE_S,
        "$watch->{name}: $service $what"
    );
}

sub now_ms { return int(now_s() * 1000) }

sub connect_clients {
    my ($port, $count) = @_;
    return map { Postvalve::Smtp->new(port => $port, timeout_s => DEADLINE_S) } 1 .. $count;
}

my @watches = (start_watch(name => 'root'), start_watch(name => 'nobody', user => 'nobody'));
for my $watch (@watches) {
    ok wait_row($watch, 'smtp', 0, 'known', sub { $_[0]{known} && $_[0]{limit} == LIMIT }),
        "$watch->{name}: the slot limit of smtpd";
    ok wait_row($watch, 'screened', 0, 'known', sub { $_[0]{known} && $_[0]{limit} == PASS_LIMIT }),
        "$watch->{name}: that of smtpd behind postscreen";
}

# Takes all slots of a port with silent clients and lets go again.
sub flood {
    my ($service, $port, $limit, $other) = @_;
    my $begin_ms = now_ms();
    my @clients = connect_clients($port, $limit + 3);
    $_->banner(DEADLINE_S) for @clients[ 0 .. $limit - 1 ];
    my $full_ms = now_ms();
    for my $watch (@watches) {
        my $busy = wait_row($watch, $service, $begin_ms, 'busy', sub { $_[0]{busy} == $limit });
        my $stressed = wait_row($watch, $service, $begin_ms, 'stressed',
            sub { $rank{ $_[0]{level} } >= $rank{stressed} });
        my $took_ms = $stressed->{ms} - $full_ms;
        ok $took_ms <= 300, "$watch->{name}: stressed $took_ms ms after the last slot was taken";
        my $waiting = wait_row($watch, $service, $begin_ms, 'waiting', sub { $_[0]{waiting} == 3 });
        ok $waiting && $waiting->{busy} == $limit, "$watch->{name}: $limit busy, 3 waiting";
        ok !grep({ $_->{busy} > $limit } rows($watch, $service)), "$watch->{name}: never more";
        ok !grep({ $_->{ms} >= $begin_ms && $_->{level} ne 'calm' } rows($watch, $other)),
            "$watch->{name}: the other service stays calm";
        ok wait_row($watch, $service, $begin_ms, 'flag', sub { $_[0]{flag} }),
            "$watch->{name}: Postfix's own flag is seen";
    }
    $_->close for @clients;
    return now_ms();
}

sub check_calm {
    my ($service, $end_ms) = @_;
    for my $watch (@watches) {
        my $calm = wait_row($watch, $service, $end_ms, 'calm', sub { $_[0]{level} eq 'calm' });
        my $took_ms = $calm->{ms} - $end_ms;
        ok $calm && $took_ms <= HOLD_S * 1000 + 1000, "$watch->{name}: calm after $took_ms ms";
        is $calm->{flag}, 1, "... while Postfix's flag is up";
        my @changes;
        for my $row (rows($watch, $service)) {
            push @changes, $row->{level} if !@changes || $changes[-1] ne $row->{level};
        }
        cmp_ok scalar @changes, '<=', 6, "... without flapping: @changes";
    }
    return;
}

subtest 'smtpd' => sub {
    my $end_ms = flood('smtp', $postfix->port, LIMIT, 'screened');
    check_calm('smtp', $end_ms);
};

subtest 'behind postscreen' => sub {
    my $begin_ms = now_ms();
    my $end_ms = flood('screened', $screened_port, PASS_LIMIT, 'smtp');
    for my $watch (@watches) {
        my ($first) = grep { $_->{ms} >= $begin_ms && $_->{busy} > 0 } rows($watch, 'screened');
        cmp_ok $first->{ms} - $begin_ms, '>=', 900,
            "$watch->{name}: no slot is busy while postscreen makes its clients wait";
    }
    check_calm('screened', $end_ms);
};

subtest 'clients that postscreen keeps' => sub {
    $postfix->edit_main(postscreen_greet_wait => '30s');
    $postfix->reload;
    my $begin_ms = now_ms();
    my @clients = map { Postvalve::Smtp->new(port => $screened_port, source => "127.9.0.$_") } 1 .. 8;
    my $row = wait_until(
        sub {
            my @rows = grep { $_->{ms} > $begin_ms + 1000 } rows($watches[0], 'screened');
            return now_ms() > $begin_ms + 2000 ? { rows => \@rows } : 0;
        },
        DEADLINE_S
    );
    ok !grep({ $_->{busy} > 0 && $_->{level} ne 'calm' } @{ $row->{rows} }),
        'have no slot, and nothing is stressed';
    $_->close for @clients;
};

subtest 'master.cf changes' => sub {
    $postfix->postconf('-F', "$screened_port/inet/process_limit=1", 'behind/pass/process_limit=9');
    my $begin_ms = now_ms();
    ok wait_row($_, 'screened', $begin_ms, 'limit 9', sub { $_[0]{limit} == 9 }),
        "$_->{name}: the new slot limit is seen" for @watches;
};

for my $watch (@watches) {
    close $watch->{writer};
    wait_ok { !$watch->{process}->is_running } 30, "$watch->{name}: ends";
    like $watch->{process}->log_text, qr/CAP_SYS_PTRACE/, 'says that it estimates'
        if $watch->{user};
    unlike $watch->{process}->log_text, qr/cannot be measured/, 'was never blind';
}
finish();
