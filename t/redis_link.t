#!/usr/bin/perl

# The blocking side of Redis (links, pool, writer) against a real Redis that is absent, hangs,
# dies, refuses, and comes back: no request outlasts its deadline, each change is one log line.

use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::Redis;
use Postvalve::RedisTool;
use Postvalve::Test;

use constant {
    DEADLINE_MS => 100,
    RETRY_MS    => 200,
    SLACK_MS    => 150,    # of a busy machine
    CLIENT      => '192.0.2.1',
};

my $redis = Postvalve::Redis->new(config => ['databases 4']);

sub tool {
    my (%setting) = @_;
    return Postvalve::RedisTool->new(
        'redis_link_tool',
        server      => 'unix:' . $redis->path,
        deadline_ms => DEADLINE_MS,
        retry_ms    => RETRY_MS,
        %setting
    );
}

sub pause_ms {
    my ($ms) = @_;
    select undef, undef, undef, $ms / 1000;
    return;
}

# Until the tool sees Redis again.
sub is_back {
    my ($tool, $command) = @_;
    return wait_until { $tool->ask($command)->{ok} } 30, 'Redis to be seen again';
}

subtest 'absent at the start' => sub {
    my $tool = tool();
    my $answer = $tool->ask('read ' . CLIENT);
    is "$answer->{ok} $answer->{state}", '0 missing', 'no answer';
    cmp_ok $answer->{ms}, '<', SLACK_MS, 'at once';
    $tool->log_is('one line', qr/^warning: Redis unix:\S+ cannot be reached \(No such file/);
    my $pool = $tool->ask('pool 8 50 ' . CLIENT);
    is $pool->{missing}, 400, 'nobody in the pool gets one';
    cmp_ok $pool->{max_ms}, '<', SLACK_MS, 'and nobody waits';
    pause_ms(RETRY_MS);
    $tool->ask('read ' . CLIENT);
    $tool->log_is('still absent is no news');
    $redis->start;
    ok is_back($tool, 'read ' . CLIENT), 'it is started';
    $tool->log_is('one line', qr/^Redis unix:\S+ answers again after \d+ s$/);
    is $tool->ask('read ' . CLIENT)->{state}, 'none', 'no record yet';
    is $tool->finish, 0, 'a clean end';
};

subtest 'reading and writing' => sub {
    my $tool = tool(prefix => 'x:');
    is $tool->ask('update ' . CLIENT . ' accepted=2 silent=1 hung_up')->{ok}, 1, 'an update';
    my $answer = $tool->ask('read ' . CLIENT);
    is $answer->{state}, 'known', 'is read';
    is "$answer->{accepted} $answer->{silent} $answer->{dropped}", '2.000 1.000 0.000', 'its counts';
    is $answer->{hung_up}, $answer->{last}, 'its times';
    my $ttl = $redis->command('TTL', 'x:client:' . CLIENT);
    ok $ttl > 0 && $ttl <= 1000, 'it expires';
    is $tool->ask('hash x:nothing')->{ok}, 1, 'no hash is an empty one';
    $redis->command('HSET', 'x:h', 'a', 1, 'b', 2);
    is $tool->ask_line('hash x:h'), ' a=1 b=2 ok=1 error=', 'a hash';
    like $tool->ask_line('command read EVAL return{1,{"x",{},false},{{2}},"y"} 0'),
        qr/reply=\Q[1,['x',[],nil],[[2]],'y']\E /, 'a list of lists';
    like $tool->ask_line('command read NOSUCH'), qr/^ok=0 .*error=ERR unknown command/,
        'an error reply';
    $tool->log_is('nothing to tell');
    $redis->command('SET', 'x:client:192.0.2.9', 'text');
    is $tool->ask('read 192.0.2.9')->{state}, 'missing', 'a key of another type is no answer';
    is $tool->ask('read 192.0.2.9')->{state}, 'missing', 'again';
    is $tool->ask('read ' . CLIENT)->{state}, 'known', 'which does not hurt others';
    $tool->log_is('one line', qr/^warning: Redis \S+ refused a command \(WRONGTYPE/);
    is $tool->finish, 0, 'a clean end';
};

# Time cannot be moved in Redis: the record there is made older by hand, and the program's own
# model of it is told later and later times.
subtest 'the script counts as the program does' => sub {
    my $tool = tool();
    my $key = 'pv:client:192.0.2.7';
    my $redis_time = sub { ($redis->command('TIME'))->[0] };
    my $began = $redis_time->();
    my $age_s = 0;
    my $grow_older = sub {
        my ($seconds) = @_;
        $age_s += $seconds;
        for my $field (qw(first last hung_up shared)) {
            my $time = $redis->command('HGET', $key, $field) // next;
            $redis->command('HSET', $key, $field, $time - $seconds);
        }
    };
    my @steps = (    # seconds since the step before, outcome
        [ 0,         'accepted=1' ],
        [ 129_600,   'accepted=3 unknown_rcpt=2 shared' ],
        [ 3600,      'silent=1 hung_up rbl=1 hammered=2' ],
        [ 600,       'hung_up protocol_error=3' ],
        [ 40_000,    'dropped=5 accepted=0.25 reclaimed=1' ],
        [ 86_400,    'unknown_rcpt=0.5 hammered=1' ],
        [ 1_000_000, '' ],
    );
    for my $step (@steps) {
        my ($seconds, $outcome) = @{$step};
        $grow_older->($seconds);
        is $tool->ask("update 192.0.2.7 $outcome")->{ok}, 1, "after $seconds s '$outcome'";
        my $now = $redis_time->();
        my $model = $tool->ask('model ' . ($now + $age_s) . " $outcome");
        my $answer = $tool->ask('read 192.0.2.7');
        for my $name (grep { !/^(?:first|last|hung_up|shared)$/ } sort keys %{$model}) {
            cmp_ok abs($answer->{$name} - $model->{$name}), '<', 0.003,
                "$name: $answer->{$name} in Redis, $model->{$name} here";
        }
        for my $name (qw(first last hung_up shared)) {
            my $time = $model->{$name} ? $model->{$name} - $age_s : 0;
            cmp_ok abs($answer->{$name} - $time), '<=', 2, "$name: as here";
        }
    }
    $redis->command('HSET', $key, 'hung_up', $redis_time->() - 1);
    my $before = $redis->command('HGET', $key, 'hung_up');
    $tool->ask('update 192.0.2.7 hung_up');
    is $redis->command('HGET', $key, 'hung_up'), $before, 'hang-ups in a burst are one';

    $redis->command('HSET', $key, 'last', 4102444800, 'silent', 'x', 'future', 1);
    is $tool->ask('update 192.0.2.7 silent=1')->{ok}, 1, 'a record from the future, unreadable';
    my $answer = $tool->ask('read 192.0.2.7');
    is $answer->{silent}, '1.000', 'counts from here on';
    is $redis->command('HGET', $key, 'future'), 1, "other programs' fields are left alone";
    $redis->command('HSET', $key, 'last', $began - 86400 * 2000);
    $tool->ask('update 192.0.2.7 accepted=1');
    is $redis->command('HEXISTS', $key, 'silent'), 0, 'what has decayed is dropped';
    $tool->log_is('nothing to tell');
    is $tool->finish, 0, 'a clean end';
};

subtest 'more threads than connections' => sub {
    my $tool = tool(pool_size => 1, deadline_ms => 20);
    $tool->ask('pool 1 1 ' . CLIENT);
    my $pool = $tool->ask('pool 32 200 ' . CLIENT);
    cmp_ok $pool->{answered}, '>', 3200, 'most get their answer';
    cmp_ok $pool->{max_ms}, '<', 20 + SLACK_MS, 'nobody waits longer than the deadline';
    is_deeply $tool->ask('status'), { read => 1, write => 1, trouble => 'none' },
        'a queue at our own door is no trouble with Redis';
    $tool->log_is('nothing to tell');
    is $tool->finish, 0, 'a clean end';
};

subtest 'killed and back' => sub {
    my $tool = tool();
    $tool->ask('read ' . CLIENT);
    $redis->kill9;
    my $pool = $tool->ask('pool 4 20 ' . CLIENT);
    is $pool->{answered}, 0, 'no answers';
    cmp_ok $pool->{max_ms}, '<', DEADLINE_MS + SLACK_MS, 'within the deadline';
    $tool->log_is('one line', qr/^warning: Redis \S+ (?:cannot be reached|closes the connection)/);
    $redis->start;
    ok is_back($tool, 'read ' . CLIENT), 'it is back';
    $tool->log_is('one line', qr/answers again/);
    $redis->command('CONFIG', 'SET', 'timeout', 1);
    wait_until { $redis->command('CLIENT', 'LIST') !~ /idle=[1-9].*cmd=hgetall/s } 5,
        'Redis to close what is idle';
    $redis->restart;
    is $tool->ask('read ' . CLIENT)->{ok}, 1, 'a restart between two requests goes unnoticed';
    $tool->log_is('nothing to tell');
    is $tool->finish, 0, 'a clean end';
};

subtest 'hanging' => sub {
    my $tool = tool();
    $tool->ask('pool 4 5 ' . CLIENT);
    $tool->ask('read ' . CLIENT);
    $redis->pause;
    my $answer = $tool->ask('read ' . CLIENT);
    is $answer->{ok}, 0, 'no answer';
    cmp_ok $answer->{ms}, '>=', DEADLINE_MS - 2, 'it was waited for';
    cmp_ok $answer->{ms}, '<', DEADLINE_MS + SLACK_MS, 'until the deadline';
    $tool->log_is('one timeout may be chance');
    my $pool = $tool->ask('pool 16 100 ' . CLIENT);
    is $pool->{missing}, 1600, 'no answers';
    cmp_ok $pool->{max_ms}, '<', DEADLINE_MS + SLACK_MS, 'each within the deadline';
    cmp_ok $pool->{ms}, '<', 4 * DEADLINE_MS + SLACK_MS, 'and soon without waiting';
    $tool->log_is('one line', qr/^warning: Redis \S+ does not answer in time \(deadline 100 ms\)/);
    pause_ms(RETRY_MS);
    $tool->ask('pool 16 10 ' . CLIENT);
    $tool->log_is('still hanging is no news');
    $redis->resume;
    ok is_back($tool, 'read ' . CLIENT), 'it goes on';
    $tool->log_is('one line', qr/answers again/);
    is $tool->finish, 0, 'a clean end';
};

subtest 'full' => sub {
    my $tool = tool();
    $tool->ask('update ' . CLIENT . ' accepted=1');
    $redis->command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    $redis->command('CONFIG', 'SET', 'maxmemory', 1);
    is $tool->ask('update ' . CLIENT . ' accepted=1')->{ok}, 0, 'no write';
    is $tool->ask('update ' . CLIENT . ' accepted=1')->{ok}, 0, 'again';
    is $tool->ask('read ' . CLIENT)->{state}, 'known', 'reading goes on';
    is_deeply $tool->ask('status'), { read => 1, write => 0, trouble => 'full' }, 'the status';
    $tool->log_is('one line', qr/^warning: Redis \S+ is full \(OOM .*maxmemory; it is still read/);
    $redis->command('CONFIG', 'SET', 'maxmemory', 0);
    ok is_back($tool, 'update ' . CLIENT . ' accepted=1'), 'there is room again';
    $tool->log_is('one line', qr/takes writes again/);
    is $tool->finish, 0, 'a clean end';
};

subtest 'a read-only replica' => sub {
    my $master = Postvalve::Redis->new(port => 1, config => ['repl-diskless-sync-delay 0'])->start;
    my $tool = tool();
    $tool->ask('update ' . CLIENT . ' accepted=1');
    $redis->command('REPLICAOF', '127.0.0.1', $master->port);
    wait_until { $redis->command('INFO', 'replication') =~ /master_link_status:up/ } 10, 'a replica';
    $tool->log_lines;
    is $tool->ask('update ' . CLIENT . ' accepted=1')->{ok}, 0, 'no write';
    is $tool->ask('read ' . CLIENT)->{ok}, 1, 'reading goes on';
    $tool->log_is('one line', qr/^warning: Redis \S+ is a read-only replica \(READONLY/);
    $redis->command('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    $master->stop;
    wait_until { $redis->command('INFO', 'replication') =~ /master_link_status:down/ } 30, 'no master';
    is $tool->ask('read ' . CLIENT)->{ok}, 0, 'without its master it answers nothing';
    $tool->log_is('one line', qr/^warning: Redis \S+ has lost its master/);
    $redis->command('REPLICAOF', 'NO', 'ONE');
    ok is_back($tool, 'read ' . CLIENT), 'it reads again';
    ok is_back($tool, 'update ' . CLIENT . ' accepted=1'), 'and writes';
    $tool->log_is('two lines', qr/answers again/, qr/takes writes again/);
    is $tool->finish, 0, 'a clean end';
};

subtest 'login' => sub {
    my $guarded = Postvalve::Redis->new(
        password => 'secret',
        config   => [
            'databases 4',
            'user reader on >read ~* +@read +select',
            'user writer on >write ~* +@all -select',
        ],
    )->start;
    my $at = 'unix:' . $guarded->path;
    my @cases = (
        [ 'right',           { password => 'secret' },                       1, undef ],
        [ 'wrong',           { password => 'guess' },                        0, qr/refuses the login \(WRONGPASS/ ],
        [ 'none',            {},                                             0, qr/refuses the login \(NOAUTH/ ],
        [ 'a database',      { password => 'secret', database => 3 },        1, undef ],
        [ 'no such one',     { password => 'secret', database => 9 },        0, qr/has no such database/ ],
        [ 'a user',          { username => 'writer', password => 'write' },  1, undef ],
        [ 'may not select',  { username => 'writer', password => 'write', database => 1 }, 0, qr/forbids it \(NOPERM/ ],
        [ 'only reads',      { username => 'reader', password => 'read' },   1, undef ],
    );
    for my $case (@cases) {
        my ($name, $setting, $expected, $line) = @{$case};
        my $tool = tool(server => $at, %{$setting});
        $tool->ask('read ' . CLIENT) for 1 .. 3;
        is $tool->ask('read ' . CLIENT)->{ok}, $expected, "login: $name";
        $tool->log_is($name, $line // ());
        if ($name eq 'only reads') {
            is $tool->ask('update ' . CLIENT . ' accepted=1')->{ok}, 0, 'and does not write';
            is $tool->ask('read ' . CLIENT)->{ok}, 1, 'but reads';
            $tool->log_is('one line', qr/forbids it \(NOPERM.*it is still read/);
        }
        if ($name eq 'a database') {
            $tool->ask('update ' . CLIENT . ' accepted=1');
            my $client = $guarded->client;
            $client->command('SELECT', 3);
            is $client->command('EXISTS', 'pv:client:' . CLIENT), 1, 'it is written there';
        }
        is $tool->finish, 0, 'a clean end';
    }
    $guarded->stop;
};

subtest 'what is not Redis' => sub {
    my @cases = (
        [ 'loading',  "-LOADING Redis is loading the dataset in memory\r\n", 0, qr/still loading/ ],
        [ 'busy',     "-BUSY Redis is busy running a script.\r\n",           0, qr/is busy with a script/ ],
        [ 'clients',  "-ERR max number of clients reached\r\n",              1, qr/has too many clients/ ],
        [ 'pop3',     "+OK POP3 ready\r\n+OK\r\n+OK\r\n",                    1, qr/what is not Redis/ ],
        [ 'smtp',     "220 mx.example ESMTP\r\n",                            1, qr/what is not Redis/ ],
        [ 'huge',     "*2000000000\r\n" . "\$-1\r\n" x 100,                  0, qr/what is not Redis \(the reply is too large/ ],
        [ 'deep',     "*1\r\n" x 50,                                         0, qr/what is not Redis/ ],
        [ 'long',     '$4000000000' . "\r\n" . 'x' x 2_000_000,              0, qr/what is not Redis \(the reply is too large/ ],
        [ 'zeros',    "\0" x 100,                                            0, qr/what is not Redis/ ],
    );
    for my $case (@cases) {
        my ($name, $reply, $is_greeting, $line) = @{$case};
        my $tool = tool(server => Postvalve::RedisTool::scripted_server($name, $reply, $is_greeting));
        my $answer = $tool->ask('read ' . CLIENT);
        is $answer->{ok}, 0, "$name: no answer";
        cmp_ok $answer->{ms}, '<', DEADLINE_MS + SLACK_MS, 'in time';
        $tool->log_is($name, qr/^warning: Redis \S+ .*$line/);
        is $tool->finish, 0, 'a clean end';
    }
    my $tool = tool(server => Postvalve::RedisTool::scripted_server('slow', "\$40\r\n", 0));
    is $tool->ask('read ' . CLIENT)->{ok}, 0, 'a reply without an end: no answer';
    is $tool->finish, 0, 'a clean end';
};

subtest 'names and addresses' => sub {
    my $server = Postvalve::Redis->new(port => 1)->start;
    my $port = $server->port;
    my $tool = tool(server => "inet:127.0.0.1:$port");
    is $tool->ask('read ' . CLIENT)->{ok}, 1, 'an address';
    is $tool->finish, 0, 'a clean end';
    $tool = tool(server => "inet:localhost:$port", deadline_ms => 2000);
    is $tool->ask('read ' . CLIENT)->{ok}, 1, 'a name' for 1 .. 2;
    $server->stop;
    is $tool->ask('read ' . CLIENT)->{ok}, 0, 'gone';
    $server->start;
    ok is_back($tool, 'read ' . CLIENT), 'and back';
    $tool->finish;
    $server->stop;
    $tool = tool(server => "inet:nowhere.invalid:$port");
    my $answer;
    wait_until {
        $answer = $tool->ask('read ' . CLIENT);
        $tool->ask('status')->{trouble} eq 'connect';
    } 15, 'the name not to be found';
    cmp_ok $answer->{ms}, '<', DEADLINE_MS + SLACK_MS, 'nobody waits for DNS';
    $tool->log_is('one line', qr/cannot be reached \(no address of nowhere\.invalid: /);
    $tool->finish;
};

subtest 'writer' => sub {
    $redis->restart;
    my $tool = tool();
    my $settled = sub {
        my ($field, $value) = @_;
        return wait_until { $tool->ask('counters')->{$field} == $value } 10, "$field to be $value";
    };
    $tool->ask('queue 1000 10.1 accepted=1');
    ok $settled->('written', 1000), 'a thousand updates';
    is $redis->command('DBSIZE'), 1000, 'in Redis';
    my $calls = () = $redis->command('INFO', 'commandstats') =~ /cmdstat_evalsha:calls=(\d+)/;
    ok $calls, 'mostly by digest';
    $redis->command('SCRIPT', 'FLUSH');
    $tool->ask('queue 1000 10.1 accepted=1');
    ok $settled->('written', 2000), 'the scripts are flushed: a thousand more';
    is $redis->command('HGET', 'pv:client:10.1.3.231', 'accepted'), '2.000', 'each counted once';
    is $tool->ask('record pv:host:mx1 level=calm updated=1')->{ok}, 1, 'a hash';
    ok wait_until { $redis->command('EXISTS', 'pv:host:mx1') } 30, 'is written';
    cmp_ok $redis->command('TTL', 'pv:host:mx1'), '>', 0, 'and expires';
    is $tool->ask('record k a=' . 'x' x 4090)->{ok}, 0, 'one too large is refused';

    $redis->command('SET', 'pv:client:10.2.0.5', 'text');
    $tool->ask('queue 10 10.2 accepted=1');
    ok $settled->('written', 2009), 'nine of ten';
    is $tool->ask('counters')->{dropped}, 1, 'the one of another type is dropped';

    $redis->stop;
    $tool->ask('queue 5000 10.3 accepted=1');
    my $counters = $tool->ask('counters');
    cmp_ok $counters->{queued}, '<=', 4096, 'away: the queue is bounded';
    cmp_ok $counters->{dropped}, '>=', 5000 - 4096, 'the oldest are dropped';
    $redis->start;
    ok $settled->('queued', 0), 'back: the queue is written';
    is $redis->command('EXISTS', 'pv:client:10.3.19.135'), 1, 'the newest';
    is $redis->command('EXISTS', 'pv:client:10.3.0.0'), 0, 'not the oldest';
    $counters = $tool->ask('counters');
    is $counters->{written} + $counters->{dropped}, 7010, 'all are accounted for';
    is $redis->command('DBSIZE'), $counters->{written} - 2009, 'as Redis says';

    $redis->command('CONFIG', 'SET', 'maxmemory', 1);
    $tool->ask('queue 100 10.4 accepted=1');
    pause_ms(2 * RETRY_MS);
    is $tool->ask('counters')->{queued}, 100, 'full: they stay in the queue';
    $redis->command('CONFIG', 'SET', 'maxmemory', 0);
    ok $settled->('queued', 0), 'room again: written';
    is $redis->command('HGET', 'pv:client:10.4.0.99', 'accepted'), '1.000', 'once';

    $tool->ask('queue 2000 10.5 accepted=1');
    cmp_ok $tool->ask('stop 1000')->{ms}, '<', 1000 + SLACK_MS, 'a clean stop';
    is $redis->command('EXISTS', 'pv:client:10.5.7.207'), 1, 'flushes the queue';
    is $tool->finish, 0, 'a clean end';
};

subtest 'a writer that must end while Redis hangs' => sub {
    my $tool = tool();
    $redis->pause;
    $tool->ask('queue 2000 10.6 accepted=1');
    cmp_ok $tool->ask('stop 500')->{ms}, '<', 750 + SLACK_MS, 'ends in bounded time';
    $redis->resume;
    is $tool->finish, 0, 'a clean end';
};

finish();
