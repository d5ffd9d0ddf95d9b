#!/usr/bin/perl
# postvalvectl force, auto, off, on: what they leave in Redis, who is told, what they say.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Redis;
use Postvalve::Test;

use constant { USAGE => 64, UNAVAILABLE => 69 };

my $ctl = program('ctl');
my $dir = temp_dir();
my $redis = Postvalve::Redis->new(password => 'secret')->start;
my %config = (
    host  => 'mx1',
    redis => { server => 'unix:' . $redis->path, password => 'secret' },
);
write_json("$dir/config.json", \%config);

sub ctl { return run_command([ $ctl, '--config', "$dir/config.json", @_ ]) }
sub hash { return { @{ $redis->command('HGETALL', $_[0]) } } }
sub redis_time { return $redis->command('TIME')->[0] }

# The latest event, as a hash.
sub event {
    my $reply = $redis->command(qw(XREVRANGE pv:events + - COUNT 1));
    return @{$reply} ? { @{ $reply->[0][1] } } : {};
}

my $listener = $redis->client;
$listener->command('SUBSCRIBE', 'pv:level');

subtest 'force' => sub {
    my ($status, $output) = ctl(qw(force stressed --for 2h --note), 'flood from AS64496');
    is $status, 0, 'exit status';
    like $output,
        qr/\Amx1: level stressed, (?:2h|1h59m) more, until \d\d \w{3} [\d:]{8}, by \S+\@mx1: flood from AS64496\n\z/,
        'says what is in force, and until when';
    my $hash = hash('pv:override:mx1');
    is $hash->{level}, 'stressed', 'level';
    cmp_ok abs($hash->{level_until} - redis_time() - 7200), '<=', 2, 'until';
    cmp_ok abs($redis->command('TTL', 'pv:override:mx1') - 7200), '<=', 2, 'the key ends with it';
    my $event = event();
    is_deeply {%{$event}{qw(type host action level until note)}},
        {
        type => 'order', host => 'mx1', action => 'force', level => 'stressed',
        until => $hash->{level_until}, note => 'flood from AS64496'
        },
        'the event';
    like $event->{by}, qr/\@mx1\z/, '... by whom';
    is_deeply $listener->read_reply, [ 'message', 'pv:level', 'override mx1' ], 'the message';
};

subtest 'off does not undo force' => sub {
    my ($status, $output) = ctl(qw(off));
    is $status, 0, 'exit status';
    like $output, qr/^mx1: level stressed, .*\nmx1: off, (?:1h|59m5\ds) more, until /, 'both';
    is hash('pv:override:mx1')->{mode}, 'off', 'mode';
    is event()->{action}, 'off', 'the event';
    ($status, $output) = ctl(qw(auto));
    like $output, qr/\Amx1: off, /, 'auto leaves off alone';
    is event()->{until}, '', 'an event without an end';
    ($status, $output) = ctl(qw(on --note=done));
    is $output, "mx1: nothing is forced\n", 'on';
    is_deeply hash('pv:override:mx1'), {}, 'nothing is left';
    is event()->{note}, 'done', 'a note';
};

subtest 'all hosts, another host' => sub {
    my (undef, $output) = ctl(qw(force elevated --all --for 30s));
    like $output, qr/\Aall hosts: level elevated, (?:30|29|28)s more, until /, 'for all';
    is hash('pv:override:*')->{level}, 'elevated', 'its key';
    is event()->{host}, '*', 'the event';
    (undef, $output) = ctl(qw(force calm --host mx2 --for 1m));
    like $output, qr/\Amx2: level calm, /, 'a host of its own';
    is hash('pv:override:mx2')->{level}, 'calm', 'its key';
    (undef, $output) = ctl('auto');
    like $output, qr/\Amx1: level elevated for all hosts, /, 'still forced, and why';
    (undef, $output) = ctl(qw(auto --all));
    is $output, "all hosts: nothing is forced\n", 'taken back';
};

subtest 'what makes no sense' => sub {
    for my $wrong (
        [qw(force)], [qw(force panic)], [qw(force calm calm)], [qw(force calm --for 10)],
        [qw(force calm --for 32d)], [qw(force calm --for 0s)], [qw(force calm --host)],
        [qw(force calm --host mx1 --all)], [qw(auto --for 1m)], [qw(on --for 1m)], [qw(off now)],
    ) {
        my ($status, $output) = ctl(@{$wrong});
        is $status, USAGE, "@{$wrong}" or diag $output;
    }
    is_deeply [ $redis->command('KEYS', 'pv:override:*') ], [ ['pv:override:mx2'] ], 'did nothing';
};

subtest 'texts from elsewhere are escaped' => sub {
    $redis->command('HSET', 'pv:override:mx1', level => 'calm', level_until => redis_time() + 60,
        by => "\e[31mevil", note => "x\ny");
    my (undef, $output) = ctl('on');
    like $output, qr/, by \\x1b\[31mevil: x\\x0ay\n\z/, 'plain';
};

subtest 'Redis does not help' => sub {
    $redis->command('CONFIG', 'SET', 'maxmemory', '1');
    my ($status, $output) = ctl(qw(force calm));
    is $status, UNAVAILABLE, 'takes no writes';
    like $output, qr/\Apostvalvectl: .*(?:OOM|memory).*\n\z/i, '... one line says so';
    $redis->stop;
    ($status, $output) = ctl(qw(force calm));
    is $status, UNAVAILABLE, 'is not there';
    like $output, qr/\Apostvalvectl: .*\n\z/, '... one line says so';
    write_json("$dir/config.json", { %config, redis => { server => '' } });
    ($status, $output) = ctl(qw(force calm));
    is $status, UNAVAILABLE, 'is not configured';
    like $output, qr/\Apostvalvectl: .*redis\.server.*\n\z/, '... one line says so';
};

finish();
