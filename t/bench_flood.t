#!/usr/bin/perl
# smtp_flood against a real Postfix: what the clients of each kind do, and what is counted.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::Test;
use Postvalve::Postfix;

use JSON::PP ();

my $program = top_builddir() . '/t/bench/flood/smtp_flood';
my $postfix = Postvalve::Postfix->new(process_limit => 4)->start;

# Returns the groups of the summary, by name, and the lines of the seconds.
sub flood {
    my ($scenario) = @_;
    my $file = write_json(temp_dir() . '/scenario.json', { port => 0 + $postfix->port, %{$scenario} });
    my ($status, $output) = run_command([ $program, '--scenario', $file ], 30);
    is $status, 0, 'smtp_flood ends well' or diag $output;
    my @reports = map { JSON::PP->new->decode($_) } split /\n/, $output;
    my $summary = (pop @reports)->{summary};
    return ({ map { $_->{name} => $_ } @{ $summary->{groups} } }, \@reports);
}

subtest 'good mail is delivered, from every address, in one attempt' => sub {
    my ($groups, $seconds) = flood({
        seconds  => 3,
        within_s => 1,
        groups   => [
            {
                kind          => 'good',
                first_address => '127.10.0.1',
                addresses     => 5,
                rate          => 40,
                arrivals      => 'steady',
                messages      => 30,
                body_bytes    => 500000,
            }
        ],
    });
    my $good = $groups->{good};
    is $good->{$_}, 30, $_ for qw(messages attempts connected banners delivered);
    is $good->{$_}, 0,  "no $_" for qw(pending retries rejected hung_up_421 timeouts);
    is $good->{in_time}{delivered}, 30, 'all in time';
    is $good->{delivery_ms}{count}, 30, 'all delivery times are counted';
    cmp_ok $good->{banner_ms}{p50}, '<', 1000, 'a banner comes soon';
    is scalar @{$seconds}, 3, 'a line for each second';
    my $delivered = 0;
    $delivered += $_->{groups}[0]{delivered} for @{$seconds};
    is $delivered, 30, 'the seconds add up';
    $postfix->wait_delivered(30);
    my %from = map { $_ => 1 } $postfix->log_text =~ / connect from \S+\[(127\.10\.\d+\.\d+)\]/g;
    is_deeply [ sort keys %from ], [ map { "127.10.0.$_" } 1 .. 5 ], 'five addresses';
};

subtest 'a mail that is refused for good is not tried again' => sub {
    my ($groups) = flood({
        seconds => 1,
        groups  => [
            {
                kind      => 'good',
                rate      => 40,
                arrivals  => 'steady',
                messages  => 3,
                recipient => 'nobody@example.test',
            }
        ],
    });
    is $groups->{good}{$_}, 3, $_ for qw(attempts rejected replies_5xx);
    is $groups->{good}{delivered}, 0, 'nothing is delivered';
};

subtest 'bots hold all slots: good mail waits, gives up and tries again' => sub {
    my ($groups) = flood({
        seconds  => 5,
        within_s => 1,
        groups   => [
            { kind => 'silent', first_address => '127.20.0.1', addresses => 6 },
            {
                kind             => 'good',
                start_s          => 2,
                rate             => 100,
                messages         => 2,
                banner_timeout_s => 0.5,
                backoff_s        => 0.2,
            },
        ],
    });
    is $groups->{silent}{attempts}, 6, 'silent bots stay';
    is $groups->{silent}{banners},  4, 'as many as there are slots';
    is $groups->{good}{delivered},  0, 'no good mail';
    cmp_ok $groups->{good}{timeouts}, '>=', 4, 'timeouts';
    cmp_ok $groups->{good}{retries},  '>=', 4, 'retries';
    is $groups->{good}{in_time}{messages}, 2, 'the late ones count';
    is $groups->{good}{in_time}{share},    0, 'as late';
};

subtest 'guessing bots are refused and come back' => sub {
    wait_until { !$postfix->backlog } 30, 'the bots to leave';
    my ($groups) = flood({
        seconds => 3,
        groups  => [
            {
                kind           => 'guess',
                first_address  => '127.30.0.1',
                addresses      => 50,
                concurrency    => 2,
                address_change => 'next',
                recipients     => 3,
                delay_s        => 0.2,
            }
        ],
    });
    cmp_ok $groups->{guess}{attempts},    '>', 2, 'they come back';
    cmp_ok $groups->{guess}{replies_5xx}, '>', 4, 'unknown recipients are refused';
    like $postfix->log_text, qr/ connect from \S+\[127\.30\.0\.5\]/, 'from other addresses';
};

subtest 'bots that dribble, bots that deliver' => sub {
    wait_until { !$postfix->backlog } 30, 'the bots to leave';
    my $before = $postfix->delivered_count;
    my ($groups, $seconds) = flood({
        seconds => 3,
        groups  => [
            {
                kind          => 'dribble',
                name          => 'bytes',
                first_address => '127.40.0.1',
                interval_s    => 0.05,
            },
            {
                kind          => 'dribble',
                name          => 'commands',
                first_address => '127.41.0.1',
                dribble       => 'commands',
                interval_s    => 0.8,
            },
            {
                kind           => 'spam',
                first_address  => '127.42.0.1',
                addresses      => 1000,
                concurrency    => 1,
                address_change => 'next',
                delay_s        => 0.1,
            },
        ],
    });
    for my $name (qw(bytes commands)) {
        my $group = $groups->{$name};
        is $group->{attempts},    1, "$name: stays";
        is $group->{replies_5xx}, 0, '... what it says is right';
        cmp_ok $group->{slot_s},         '>', 1.5, '... and holds its slot';
        cmp_ok $group->{longest_hold_s}, '>', 1.5, '... all the time';
        my $sum = 0;
        $sum += $_ for map { $_->{slot_s} } map { grep { $_->{name} eq $name } @{ $_->{groups} } } @{$seconds};
        cmp_ok abs($sum - $group->{slot_s}), '<', 0.5, '... the seconds add up';
    }
    my $spam = $groups->{spam};
    cmp_ok $spam->{delivered}, '>', 3, 'spam comes in';
    cmp_ok $spam->{slot_s},    '<', 2, '... quickly';
    $postfix->wait_delivered($before + $spam->{delivered});
    my %from = map { $_ => 1 } $postfix->log_text =~ / connect from \S+\[(127\.42\.\d+\.\d+)\]/g;
    cmp_ok scalar(keys %from), '>=', $spam->{delivered}, '... each from a fresh address';
    like $postfix->log_text, qr/ connect from \S+\[127\.41\.0\.1\]/, 'commands come';
};

subtest 'retries that are sooner than they count' => sub {
    my ($groups) = flood({
        seconds  => 4,
        limits_s => [ 30, 120 ],
        groups   => [
            { kind => 'silent', first_address => '127.20.0.1', addresses => 4, ramp_s => 0, stop_s => 2.2 },
            {
                kind             => 'good',
                start_s          => 1,
                rate             => 100,
                messages         => 5,
                think_s          => 0.05,
                banner_timeout_s => 0.5,
                backoff_s        => 60,
                backoff_max_s    => 60,
                backoff_scale    => 60,
            },
        ],
    });
    my $good = $groups->{good};
    is $good->{delivered}, 5, 'all are delivered';
    is_deeply [ map { $_->{delivered} } @{ $good->{within} } ], [ 0, 5 ],
        'within 120 s, not within 30 s';
    cmp_ok $good->{delivery_ms}{p50}, '>', 45_000, 'the time is that of the long pause';
    cmp_ok $good->{slot_s}, '>', 5 * 6 * 0.05 * 0.8, 'it thinks before each command';
};

subtest 'a scenario that makes no sense is refused' => sub {
    my %wrong = (
        'first_address=192.0.2.1'  => qr/127\.0\.0\.0/,
        'kind=friendly'            => qr/no such kind: friendly/,
        'kind=good,rate=-1'        => qr/rate: must be a number from/,
        'kind=good,colour=red'     => qr/no such setting: colour/,
        'kind=silent,addresses=1.5' => qr/addresses: must be/,
        'kind=dribble,dribble=words' => qr/dribble: not a value/,
    );
    for my $text (sort keys %wrong) {
        my ($status, $output) = run_command([ $program, '--group', $text ]);
        is $status, 64, "$text: refused";
        like $output, $wrong{$text}, '... with the reason';
    }
};

subtest 'the benchmark runs' => sub {
    my $choice  = '--scenario=mixed --variant=stock,postvalve';
    my @command = (
        top_srcdir() . '/t/bench/flood/flood',
        qw(--slots 4 --seconds 2 --time-scale 1000 --json), split(/ /, $choice)
    );
    my ($status, $output) = run_command(\@command, 90, env => { PV_TEST_TIMEOUT => undef });
    is $status, 0, 'it ends well' or diag $output;
    my ($json) = $output =~ /^(\{.*\})/ms;
    my $results = JSON::PP->new->decode($json)->{results};
    is_deeply [ map { $_->{variant} } @{$results} ], [qw(stock postvalve)], 'a result for each variant';
    for my $result (@{$results}) {
        my $name = $result->{variant};
        cmp_ok $result->{delivered}, '>', 0, "$name: mail is delivered";
        ok defined $result->{$_}, "... $_" for qw(bots recovery_s cpu_share refused);
    }
};

finish();
