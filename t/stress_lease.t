#!/usr/bin/perl
# Lease of a host's record, list of hosts and overrides: the scripts in a real Redis, by whose
# clock alone it all goes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Test;
use Postvalve::Redis;
use Time::HiRes ();

my $tool  = top_builddir() . '/t/tools/host_state_tool';
my $redis = Postvalve::Redis->new->start;

# The wire form of a command, as the daemons send it.
sub wire {
    my (@arguments) = @_;
    open my $pipe, '-|', $tool, @arguments or die "$tool: $!";
    binmode $pipe;
    local $/;
    my $bytes = <$pipe>;
    close $pipe or die "$tool @arguments: $?";
    return $bytes;
}

sub send_wire {
    my (@arguments) = @_;
    my $client = $redis->client;
    $client->_write(wire(@arguments));
    my $reply = $client->read_reply;
    die "redis: $reply" if ref $reply eq 'Postvalve::RedisClient::Error';
    return $reply;
}

# What the tool makes of texts from Redis.
sub ask_tool {
    my ($text, @arguments) = @_;
    my $file = spew(temp_dir() . '/lines', $text);
    my ($status, $output) = run_command([ 'sh', '-c', "'$tool' @arguments < '$file'" ]);
    die "$tool @arguments: $output" if $status;
    return { map { split /=/, $_, 2 } split ' ', $output };
}

sub lines_of {
    my (%hash) = @_;
    return join '', map { "$_\t$hash{$_}\n" } sort keys %hash;
}

# An offer: is it taken, whose was it before, the record, Redis' time.
sub offer {
    my (%option) = @_;
    my $reply = send_wire('offer', $option{key} // 'pv:host:mx1', $option{as}, $option{id},
        $option{last} ? 1 : 0, $option{level} // 'calm', $option{pressure} // '0.10');
    return {
        now_ms => $reply->[0],
        taken  => $reply->[1],
        before => $reply->[2],
        fields => { @{ $reply->[3] } },
    };
}

sub redis_ms {
    my ($s, $us) = @{ $redis->command('TIME') };
    return $s * 1000 + int($us / 1000);
}

sub sleep_until_ms {
    my ($until_ms) = @_;
    while ((my $left_ms = $until_ms - redis_ms()) > 0) { Time::HiRes::sleep($left_ms / 1000) }
    return;
}

subtest 'one publisher' => sub {
    my $first = offer(as => 'policyd', id => 'policyd:a', level => 'stressed', pressure => '0.9');
    is $first->{taken}, 1, 'who comes first publishes';
    is $first->{before}, '', 'after nobody';
    my $fields = $first->{fields};
    is $fields->{publisher}, 'policyd', 'publisher';
    is $fields->{level}, 'stressed', 'level';
    is $fields->{service}, 'smtp', 'service';
    is $fields->{renewed_ms}, $first->{now_ms}, "renewed by Redis' clock";
    ok abs($fields->{updated} - time) < 5, 'updated, in seconds';
    cmp_ok $redis->command('PTTL', 'pv:host:mx1'), '>', 9000, 'expires after its lease';

    my $second = offer(as => 'policyd', id => 'policyd:b');
    is $second->{taken}, 0, 'another of the kind has to wait';
    is $second->{fields}{id}, 'policyd:a', 'the record is that of the holder';
    is $second->{fields}{level}, 'stressed', 'and untouched';
    is offer(as => 'policyd', id => 'policyd:a')->{taken}, 1, 'the holder renews';

    my $milter = offer(as => 'milter', id => 'milter:a', level => 'elevated');
    is $milter->{taken}, 1, 'a milter takes over at once: it counts exactly';
    is $milter->{before}, 'policyd:a', 'from whom';
    is $milter->{fields}{level}, 'elevated', 'what it says counts';
    is offer(as => 'policyd', id => 'policyd:a')->{taken}, 0, 'policyd steps back';
    my $state = ask_tool(lines_of(%{ offer(as => 'milter', id => 'milter:a')->{fields} }),
        'read', redis_ms());
    is "$state->{publisher} $state->{policyd} $state->{milter} $state->{fresh}", 'milter 1 1 1',
        'both are seen to run';
};

subtest 'a publisher that is gone' => sub {
    my $last = offer(as => 'milter', id => 'milter:a');
    my ($taken_ms, $refused) = (0, 0);
    while (!$taken_ms && redis_ms() - $last->{now_ms} < 5000) {
        my $offer = offer(as => 'policyd', id => 'policyd:a');
        if   ($offer->{taken}) { $taken_ms = $offer->{now_ms} }
        else                   { $refused++; Time::HiRes::sleep(0.1) }
    }
    my $took_ms = $taken_ms - $last->{now_ms};
    ok $taken_ms && $took_ms < 2000, "another takes over after $took_ms ms of Redis' clock";
    cmp_ok $took_ms, '>=', 1500, 'not before';
    cmp_ok $refused, '>', 5, 'and was refused until then';
    my $state = ask_tool(lines_of(@{ $redis->command('HGETALL', 'pv:host:mx1') }),
        'read', $last->{now_ms} + 2000);
    is "$state->{policyd} $state->{milter}", '1 0', 'the milter is seen to be gone';
    is offer(as => 'milter', id => 'milter:b')->{taken}, 1, 'a new milter takes it back';
};

subtest 'a publisher that ends' => sub {
    offer(as => 'policyd', id => 'policyd:a');
    my $end = offer(as => 'milter', id => 'milter:b', last => 1);
    is $end->{taken}, 0, 'gives the lease back';
    ok !exists $end->{fields}{level}, 'and leaves nothing behind';
    ok !exists $end->{fields}{milter_seen_ms}, '... not that it was seen either';
    ok exists $end->{fields}{policyd_seen_ms}, 'who else was seen is kept';
    is ask_tool(lines_of(%{ $end->{fields} }), 'read', redis_ms())->{fresh}, 0,
        'nobody publishes';
    is offer(as => 'policyd', id => 'policyd:a')->{taken}, 1, 'another takes over at once';
    my $other = offer(as => 'milter', id => 'milter:c', last => 1);
    is $other->{fields}{publisher}, 'policyd', 'who does not hold it gives nothing back';
};

subtest 'whatever others wrote' => sub {
    my $now_ms = redis_ms();
    my @cases = (
        [ 'a time to come'   => [ 'id', 'x', 'publisher', 'milter', 'renewed_ms', $now_ms + 3600000 ] ],
        [ 'no time'          => [ 'id', 'x', 'publisher', 'milter' ] ],
        [ 'no number'        => [ 'id', 'x', 'publisher', 'milter', 'renewed_ms', 'soon' ] ],
        [ 'a foreign rank'   => [ 'id', 'x', 'publisher', 'root', 'renewed_ms', $now_ms ] ],
        [ 'many fields'      => [ map { ("f$_", 'x' x 100) } 1 .. 500 ] ],
        [ 'numbers as names' => [ 1, 2, 3, 4 ] ],
    );
    for my $case (@cases) {
        $redis->command('DEL', 'pv:host:mx2');
        $redis->command('HSET', 'pv:host:mx2', @{ $case->[1] });
        my $offer = offer(key => 'pv:host:mx2', as => 'policyd', id => 'policyd:a');
        is $offer->{taken}, 1, "$case->[0]: does not keep a publisher out";
        cmp_ok scalar keys %{ $offer->{fields} }, '<', 30, '... and nothing of it stays';
    }
    $redis->command('DEL', 'pv:host:mx2');
    $redis->command('SET', 'pv:host:mx2', 'a string');
    is offer(key => 'pv:host:mx2', as => 'policyd', id => 'policyd:a')->{taken}, 1,
        'a key of another type is replaced';

    my %record = (publisher => 'milter', id => 'x', level => 'critical', pressure => '99999999',
        renewed_ms => $now_ms);
    is ask_tool(lines_of(%record), 'read', $now_ms)->{pressure}, '99.99', 'a pressure is cut';
    is ask_tool(lines_of(%record, renewed_ms => $now_ms - 10000), 'read', $now_ms)->{fresh}, 0,
        'an old record does not count';
    is ask_tool(lines_of(%record, renewed_ms => $now_ms + 60000), 'read', $now_ms)->{fresh}, 0,
        'nor one from the future';
    my $calm = lines_of(%record, level => 'calm');
    my $stressed = lines_of(%record);
    is ask_tool(join("\n", $stressed, $calm), 'cluster', $now_ms)->{floor}, 'calm',
        'one host that says critical moves nobody';
    is ask_tool(join("\n", $stressed, $stressed, $calm), 'cluster', $now_ms)->{floor},
        'elevated', 'two do';
};

# The clocks of hosts differ by minutes: nothing that they say has a time in it.
subtest 'clocks of hosts' => sub {
    my $bytes = wire('offer', 'k', 'milter', 'id', 0, 'calm', '0.1');
    unlike $bytes =~ s/return \{now.*?\r\n//sr, qr/\b1[789]\d{8}\d*\b/, 'an offer tells no time';
};

sub hosts { my $reply = send_wire('hosts', 'pv:hosts', $_[0]); return @{ $reply->[1] } }

subtest 'the list of hosts' => sub {
    is_deeply [ hosts('') ], [], 'nobody yet';
    is_deeply [ hosts('mx1') ], ['mx1'], 'one';
    is_deeply [ sort { $a cmp $b } hosts('mx2') ], [ 'mx1', 'mx2' ], 'two';
    cmp_ok $redis->command('TTL', 'pv:hosts'), '>', 60, 'the list expires';
    $redis->command('ZADD', 'pv:hosts', time - 61, 'old', time + 600, 'future', time, 'x y');
    is_deeply [ sort { $a cmp $b } hosts('') ], [ 'mx1', 'mx2', 'x y' ],
        'those not seen for a minute, or still to come, are dropped';
    $redis->command('ZADD', 'pv:hosts', map { (time - 1, "liar$_") } 1 .. 3000);
    is scalar(my @names = hosts('mx1')), 64, 'no more than 64 are told';
    ok scalar(grep { $_ eq 'mx1' } @names), 'those seen last first';
    hosts('');
    cmp_ok $redis->command('ZCARD', 'pv:hosts'), '<=', 1024, 'and about a thousand kept';
    $redis->command('DEL', 'pv:hosts');
    $redis->command('SET', 'pv:hosts', 'x');
    is_deeply [ hosts('mx1') ], ['mx1'], 'a key of another type is replaced';
};

sub force {
    my ($host, $aspect, $value, $seconds) = @_;
    my $reply = send_wire('override', "pv:override:$host", $aspect, $value, $seconds // 60,
        'root@mx1', 'a test');
    return { @{ $reply->[1] } };
}

sub effect {
    my ($host) = @_;
    my @texts = map { lines_of(@{ $redis->command('HGETALL', "pv:override:$_") }) } $host, '*';
    my $effect = ask_tool(join("\n", @texts), 'effect', int(redis_ms() / 1000));
    return "$effect->{level} $effect->{off}";
}

subtest 'overrides' => sub {
    is effect('mx1'), 'none 0', 'nothing is forced';
    my $fields = force('mx1', 'level', 'critical', 60);
    is $fields->{level}, 'critical', 'a level';
    ok abs($fields->{level_until} - time - 60) < 5, 'with an end';
    is $fields->{by}, 'root@mx1', 'by whom';
    is effect('mx1'), 'critical 0', 'it counts';
    is effect('mx2'), 'none 0', 'for that host alone';
    my $ttl = $redis->command('TTL', 'pv:override:mx1');
    ok $ttl > 50 && $ttl <= 60, 'the key goes with it';

    force('*', 'mode', 'off', 600);
    is effect('mx1'), 'critical 1', 'off for all hosts, and the level of this one';
    is effect('mx2'), 'none 1', 'off for another';
    force('*', 'level', 'elevated', 600);
    is effect('mx1'), 'critical 1', "a host's own level comes first";
    is effect('mx2'), 'elevated 1', 'that of all counts elsewhere';

    is_deeply [ sort { $a cmp $b } keys %{ force('*', 'mode', '') } ],
        [qw(by level level_until note)], 'taken back, the other stays';
    is effect('mx2'), 'elevated 0', 'as asked for';
    is_deeply force('*', 'level', ''), {}, 'nothing left';
    is $redis->command('EXISTS', 'pv:override:*'), 0, 'no key left';

    force('mx1', 'mode', 'off', 2);
    is effect('mx1'), 'critical 1', 'off for two seconds';
    my $till_ms = $redis->command('HGET', 'pv:override:mx1', 'mode_until') * 1000;
    sleep_until_ms($till_ms);
    is effect('mx1'), 'critical 0', 'ends by itself';
    is_deeply [ sort { $a cmp $b } keys %{ force('mx1', 'level', 'calm') } ],
        [qw(by level level_until note)], 'what has run out goes with the next change';

    force('mx3', 'level', 'calm', 10**12);
    cmp_ok $redis->command('TTL', 'pv:override:mx3'), '<=', 31 * 86400, 'no longer than a month';
    $redis->command('SET', 'pv:override:mx4', 'x');
    is force('mx4', 'level', 'calm')->{level}, 'calm', 'a key of another type is replaced';
    $redis->command('HSET', 'pv:override:mx5', 'level', 'critical');
    is effect('mx5'), 'none 0', 'a level without an end does not count';
};

finish();
