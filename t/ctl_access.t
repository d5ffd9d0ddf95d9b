#!/usr/bin/perl
# postvalvectl allow, block, list, forget: what they leave in Redis and what they say.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Redis;
use Postvalve::Test;

use constant { USAGE => 64, UNAVAILABLE => 69 };

my $ctl = program('ctl');
my $dir = temp_dir();
my $redis = Postvalve::Redis->new->start;
write_json("$dir/config.json", { host => 'mx1', redis => { server => 'unix:' . $redis->path } });

sub ctl { return run_command([ $ctl, '--config', "$dir/config.json", @_ ]) }
sub hash { return { @{ $redis->command('HGETALL', 'pv:access') } } }
sub redis_time { return $redis->command('TIME')->[0] }

sub event {
    my $reply = $redis->command(qw(XREVRANGE pv:events + - COUNT 1));
    return @{$reply} ? { @{ $reply->[0][1] } } : {};
}

subtest 'nothing is said' => sub {
    is_deeply [ ctl('list') ], [ 0, "nothing is allowed or blocked\n" ], 'list';
    my (undef, $output) = ctl(qw(list --json));
    is_deeply(JSON::PP->new->decode($output)->{entries}, [], '--json');
};

subtest 'allow, block' => sub {
    my ($status, $output) = ctl(qw(allow 192.0.2.7 --for 2h --note), 'a partner');
    is $status, 0, 'exit status';
    like $output,
        qr/\Aallow  192\.0\.2\.7, (?:2h|1h59m) more, until \d\d \w{3} [\d:]{8}, by \S+\@mx1: a partner\n\z/,
        'says what is in force';
    ($status, $output) = ctl(qw(block 192.0.2.0/24));
    like $output, qr/\Ablock  192\.0\.2\.0\/24, (?:7d|6d23h) more, /, 'a network, with the default';
    my $hash = hash();
    like $hash->{'192.0.2.7'}, qr/\Aallow \d+ \d+ \S+\@mx1 a partner\z/, 'the entry';
    my ($until, $set) = $hash->{'192.0.2.0/24'} =~ /\Ablock (\d+) (\d+) /;
    cmp_ok abs($set - redis_time()), '<=', 2, 'set now';
    is $until - $set, 7 * 86400, 'until';
    cmp_ok abs($redis->command('TTL', 'pv:access') - 7 * 86400), '<=', 2, 'the hash ends with it';
    my $event = event();
    is_deeply {%{$event}{qw(type action key until)}},
        { type => 'access', action => 'block', key => '192.0.2.0/24', until => $until }, 'the event';
    my (undef, $json) = ctl(qw(list --json));
    is_deeply [ map { [ @{$_}{qw(key kind)} ] } @{ JSON::PP->new->decode($json)->{entries} } ],
        [ [qw(192.0.2.7 allow)], [qw(192.0.2.0/24 block)] ], 'list';
    ctl(qw(block 192.0.2.7));
    like hash()->{'192.0.2.7'}, qr/\Ablock /, 'the last word counts';
};

subtest 'forget' => sub {
    $redis->command('HSET', 'pv:client:192.0.2.7', silent => 5);
    my $version = hash()->{version};
    my ($status, $output) = ctl(qw(forget --entry 192.0.2.7));
    is $status, 0, 'exit status';
    is $output, "192.0.2.7: it is neither allowed nor blocked any more\n", 'the entry alone';
    is $redis->command('EXISTS', 'pv:client:192.0.2.7'), 1, 'the record is still there';
    isnt hash()->{version}, $version, 'readers see that it changed';
    (undef, $output) = ctl(qw(forget 192.0.2.7));
    is $output, "192.0.2.7: its record is forgotten\n", 'the record';
    is $redis->command('EXISTS', 'pv:client:192.0.2.7'), 0, 'it is gone';
    like hash()->{'forget 192.0.2.7'}, qr/\Aforget /, 'daemons are told';
    is event()->{action}, 'forget', 'the event';
    (undef, $output) = ctl(qw(forget 192.0.2.7));
    is $output, "192.0.2.7: nothing was known\n", 'once more';
    $redis->command('HSET', 'pv:client:2001:db8:1:2::/64', silent => 5);
    (undef, $output) = ctl(qw(forget 2001:db8:1:2::99));
    is $redis->command('EXISTS', 'pv:client:2001:db8:1:2::/64'), 0, 'IPv6 by any address of the /64';
    for my $aggregate (
        [ '198.51.100.0/24', '198.51.100.0/24' ], [ '2001:db8:1::/48', '2001:db8:1::/48' ],
        [ 'MX3.mail.example.org', 'example.org' ],
    ) {
        my ($asked, $key) = @{$aggregate};
        $redis->command('HSET', "pv:client:$key", accepted => 5);
        (undef, $output) = ctl('forget', $asked);
        is $output, "$key: its record is forgotten\n", "$asked: an aggregate";
        is $redis->command('EXISTS', "pv:client:$key"), 0, '... it is gone';
        like hash()->{"forget $key"}, qr/\Aforget /, '... and daemons are told';
    }
    my (undef, $list) = ctl('list');
    unlike $list, qr/forget/, 'not in the list';
};

subtest 'what makes no sense' => sub {
    for my $wrong (
        [qw(allow)], [qw(allow example)], [qw(allow 192.0.2.1/24)], [qw(block 192.0.2.1 x)],
        [qw(block 192.0.2.1 --for 1)], [qw(block 192.0.2.1 --for 367d)], [qw(forget)],
        [ 'forget', '' ], [qw(forget localhost)], [qw(forget co.uk)],
        [qw(forget a/b)], [qw(list x)], [qw(list --for 1m)],
    ) {
        is +(ctl(@{$wrong}))[0], USAGE, "@{$wrong}";
    }
};

subtest 'the list has an end' => sub {
    my $soon = redis_time() + 600;
    $redis->command('DEL', 'pv:access');
    $redis->command('HSET', 'pv:access', map { ("10.0.$_.0/24" => "block $soon 1 x ",
        "10.1.$_.0/24" => "block $soon 1 x ", "10.2.$_.0/24" => "block $soon 1 x ",
        "10.3.$_.0/24" => "block $soon 1 x ") } 1 .. 250);
    my ($status, $output) = ctl(qw(allow 192.0.2.1));
    is $status, UNAVAILABLE, 'full';
    like $output, qr/full/, '... and says so';
    is +(ctl(qw(allow 10.0.1.0/24)))[0], 0, 'one that is there can change';
    $redis->command('HSET', 'pv:access', '10.0.1.0/24', 'block 1 1 x ');
    is +(ctl(qw(allow 192.0.2.1)))[0], 0, 'what has run out makes room';
    $redis->command('SET', 'pv:access', 'a string');
    is +(ctl(qw(allow 192.0.2.1)))[0], 0, 'a key of another type goes';
    $redis->command('SET', 'pv:access', 'a string');
    is_deeply [ ctl('list') ], [ 0, "nothing is allowed or blocked\n" ], '... and is no list';
};

finish();
