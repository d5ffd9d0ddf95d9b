#!/usr/bin/perl

# Redis in the event loop of policyd against a real Redis that is absent, hangs, dies, refuses,
# and comes back: each question is answered exactly once and in time, each change is one log line.

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
    MANY        => 20_000, # more than may be on their way
};

my $redis = Postvalve::Redis->new;

sub tool {
    my (%setting) = @_;
    return Postvalve::RedisTool->new(
        'redis_async_tool',
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

sub is_back {
    my ($tool) = @_;
    return wait_until { $tool->ask('read 1 ' . CLIENT)->{answered} } 30, 'Redis to be seen again';
}

# Each question is answered or refused, none twice.
sub adds_up {
    my ($answer, $count, $what) = @_;
    is $answer->{answered} + $answer->{missing} + $answer->{refused} + $answer->{cancelled}, $count,
        "$what: all are answered";
    is $answer->{wrong}, 0, 'each once';
    cmp_ok $answer->{max_ms}, '<', DEADLINE_MS + SLACK_MS, 'none over the deadline';
    return;
}

subtest 'absent at the start' => sub {
    my $tool = tool();
    my $answer = $tool->ask('read 100 ' . CLIENT);
    is $answer->{refused}, 100, 'nobody waits';
    $tool->log_is('one line', qr/^warning: Redis unix:\S+ cannot be reached \(No such file/);
    pause_ms(RETRY_MS);
    $tool->ask('read 100 ' . CLIENT);
    $tool->log_is('still absent is no news');
    $redis->start;
    ok is_back($tool), 'it is started';
    $tool->log_is('one line', qr/^Redis unix:\S+ answers again/);
    is $tool->finish, 0, 'a clean end';
};

subtest 'reading and writing' => sub {
    my $tool = tool(prefix => 'x:');
    is $tool->ask('read 1 ' . CLIENT)->{state}, 'none', 'no record';
    $tool->ask('update ' . CLIENT . ' accepted=2 hung_up') for 1 .. 2;
    my $answer = $tool->ask('read 3 ' . CLIENT);
    is "$answer->{answered} $answer->{state} $answer->{accepted}", '3 known 4.000', 'updates are read';
    is $answer->{hung_up}, $answer->{last}, 'with their times';
    $redis->command('SCRIPT', 'FLUSH');
    $tool->ask('update ' . CLIENT . ' accepted=2') for 1 .. 2;
    $tool->ask('read 1 ' . CLIENT);    # the answer to the update has come by then
    is $tool->ask('read 1 ' . CLIENT)->{accepted}, '8.000', 'though the scripts are flushed';
    ok $redis->command('TTL', 'x:client:' . CLIENT) > 0, 'it expires';
    is $tool->ask('record x:h level=calm busy=3')->{ok}, 1, 'a hash';
    is $tool->ask_line('hash x:h'), 'ok=1 level=calm busy=3', 'is read';
    ok $redis->command('TTL', 'x:h') > 0, 'and expires';
    is $tool->ask_line('hash x:nothing'), 'ok=1', 'no hash is an empty one';
    $redis->command('HSET', 'x:wide', map { ("field$_", 'v' x 1000) } 1 .. 200);
    my %fields = %{ $tool->ask('hash x:wide') };
    is scalar(keys %fields) - 1, 64, 'of many fields the first are taken';
    $redis->command('SET', 'x:client:192.0.2.9', 'text');
    is $tool->ask('read 5 192.0.2.9')->{missing}, 5, 'a key of another type is no answer';
    is $tool->ask('read 1 ' . CLIENT)->{answered}, 1, 'which does not hurt others';
    $tool->log_is('one line', qr/^warning: Redis \S+ refused a command \(WRONGTYPE/);
    is $tool->finish, 0, 'a clean end';
};

subtest 'many at once' => sub {
    my $tool = tool(deadline_ms => 2000);
    $tool->ask('update ' . CLIENT . ' accepted=1');
    $tool->ask('read 1 ' . CLIENT);
    my $before = ($redis->command('INFO', 'stats') =~ /total_reads_processed:(\d+)/)[0];
    my $answer = $tool->ask('read 1000 ' . CLIENT);
    my $after = ($redis->command('INFO', 'stats') =~ /total_reads_processed:(\d+)/)[0];
    is $answer->{answered}, 1000, 'a thousand questions';
    cmp_ok $after - $before, '<', 50, 'leave in a few writes';
    $answer = $tool->ask('read ' . MANY . ' ' . CLIENT);
    is $answer->{answered} + $answer->{refused}, MANY, 'too many';
    is $answer->{refused}, MANY - 16384, 'are refused';
    $answer = $tool->ask('cancel 1000 ' . CLIENT);
    is "$answer->{answered} $answer->{cancelled} $answer->{wrong}", '500 500 0', 'half of them cancelled';
    $answer = $tool->ask('abandon 1000 ' . CLIENT);
    is "$answer->{missing} $answer->{wrong}", '1000 0', 'freed with questions on their way';
    is $tool->ask('read 1 ' . CLIENT)->{answered}, 1, 'and started anew';
    $tool->log_is('nothing to tell');
    is $tool->finish, 0, 'a clean end';
};

subtest 'killed and back under load' => sub {
    my $tool = tool();
    $tool->ask('read 1 ' . CLIENT);
    $tool->send_line('load 1500 50 ' . CLIENT);
    pause_ms(300);
    $redis->kill9;
    pause_ms(500);
    $redis->start;
    my %answer = map { split /=/ } split ' ', $tool->read_line;
    is $answer{wrong}, 0, 'each question answered once';
    cmp_ok $answer{max_ms}, '<', DEADLINE_MS + SLACK_MS, 'within the deadline';
    ok $answer{answered} > 0 && $answer{refused} > 0, 'some answered, some refused';
    ok is_back($tool), 'it is back';
    $tool->log_is('two lines',
        qr/^warning: Redis \S+ (?:cannot be reached|closes the connection)/, qr/answers again/);
    $redis->restart;
    is $tool->ask('read 1 ' . CLIENT)->{answered}, 1, 'a restart between two requests goes unnoticed';
    $tool->log_is('nothing to tell');
    is $tool->finish, 0, 'a clean end';
};

subtest 'hanging' => sub {
    my $tool = tool();
    $tool->ask('read 1 ' . CLIENT);
    $redis->pause;
    my $answer = $tool->ask('read 100 ' . CLIENT);
    is $answer->{missing}, 100, 'no answers';
    cmp_ok $answer->{max_ms}, '>=', DEADLINE_MS - 2, 'after the deadline';
    adds_up($answer, 100, 'hanging');
    $tool->log_is('a hundred timeouts at once may be chance');
    $redis->resume;
    ok wait_until { $tool->ask('status')->{late} >= 100 } 30, 'late replies come';
    my $status = $tool->ask('status');
    is "$status->{expired} $status->{pending}", '100 0', 'and are swallowed';
    is $tool->ask('read 10 ' . CLIENT)->{answered}, 10, 'the connection is good';
    $tool->log_is('nothing to tell');

    $redis->pause;
    $tool->send_line('load 800 20 ' . CLIENT);
    my %load = map { split /=/ } split ' ', $tool->read_line;
    is "$load{answered} $load{wrong}", '0 0', 'hanging for longer: no answers';
    cmp_ok $load{max_ms}, '<', DEADLINE_MS + SLACK_MS, 'each within the deadline';
    cmp_ok $load{missing}, '<=', 20 * 3 + 5, 'and few have waited';
    $tool->log_is('one line', qr/^warning: Redis \S+ does not answer in time \(deadline 100 ms\)/);
    is $tool->ask('status')->{pending}, 0, 'the connection is given up';
    $redis->resume;
    ok is_back($tool), 'it goes on';
    $tool->log_is('one line', qr/answers again/);
    is $tool->finish, 0, 'a clean end';
};

subtest 'full, read-only' => sub {
    my $tool = tool();
    $tool->ask('update ' . CLIENT . ' accepted=1');
    $tool->ask('read 1 ' . CLIENT);
    my $is_written = sub {
        wait_until {
            $tool->ask('update ' . CLIENT . ' accepted=1');
            $tool->ask('read 1 ' . CLIENT);
            $tool->ask('status')->{write};
        } 30, 'writes to go on';
    };
    $redis->command('CONFIG', 'SET', 'maxmemory', 1);
    for (1 .. 3) {
        $tool->ask('update ' . CLIENT . ' accepted=1');
        $tool->ask('record h a=1');
        is $tool->ask('read 1 ' . CLIENT)->{state}, 'known', 'full: reading goes on';
    }
    is $tool->ask('update ' . CLIENT . ' accepted=1')->{ok}, 0, 'writes are not even sent';
    $tool->log_is('one line', qr/^warning: Redis \S+ is full \(OOM /);
    $redis->command('CONFIG', 'SET', 'maxmemory', 0);
    ok $is_written->(), 'there is room again';
    $tool->log_is('one line', qr/takes writes again/);

    my $master = Postvalve::Redis->new(port => 1, config => ['repl-diskless-sync-delay 0'])->start;
    $redis->command('REPLICAOF', '127.0.0.1', $master->port);
    wait_until { $redis->command('INFO', 'replication') =~ /master_link_status:up/ } 10, 'a replica';
    is_back($tool);
    $tool->log_lines;
    $tool->ask('update ' . CLIENT . ' accepted=1');
    is $tool->ask('read 1 ' . CLIENT)->{answered}, 1, 'a replica: reading goes on';
    $tool->log_is('one line', qr/^warning: Redis \S+ is a read-only replica/);
    $redis->command('REPLICAOF', 'NO', 'ONE');
    ok $is_written->(), 'a master again';
    $tool->log_is('one line', qr/takes writes again/);
    $master->stop;
    is $tool->finish, 0, 'a clean end';
};

subtest 'wrong password, and the right one after that' => sub {
    $redis->command('CONFIG', 'SET', 'requirepass', 'secret');
    my $tool = tool(password => 'guess');
    is $tool->ask('read 3 ' . CLIENT)->{missing}, 3, 'no answers';
    is $tool->ask('read 3 ' . CLIENT)->{refused}, 3, 'nor is it tried all the time';
    $tool->log_is('one line', qr/^warning: Redis \S+ refuses the login \(WRONGPASS/);
    is $tool->finish, 0, 'a clean end';
    $tool = tool(password => 'secret');
    is $tool->ask('read 3 ' . CLIENT)->{answered}, 3, 'the right one';
    is $tool->finish, 0, 'a clean end';
    $redis->restart;
};

# A Redis that takes four seconds to load its data.
subtest 'loading' => sub {
    $redis->client->pipeline(map { [ 'SET', "key$_", 'v' x 1000 ] } 1 .. 400);
    $redis->command('SAVE');
    $redis->stop;
    my $tool = tool(deadline_ms => 500, retry_ms => 50);
    my $process = start(
        cmd  => [ 'redis-server', "$redis->{dir}/redis.conf", '--key-load-delay', 10_000,
            '--loading-process-events-interval-bytes', 1024 ],
        name => 'loading',
    );
    ok wait_until {
        $tool->ask('read 1 ' . CLIENT);
        pause_ms(20);
        $tool->ask('status')->{trouble} eq 'loading';
    } 30, 'it is found loading';
    is $tool->ask('read 3 ' . CLIENT)->{answered}, 0, 'no answers';
    ok wait_until { $tool->ask('read 1 ' . CLIENT)->{answered} } 15, 'it has loaded';
    $process->stop;
    unlink "$redis->{dir}/dump.rdb";
    is $tool->finish, 0, 'a clean end';
};

subtest 'what is not Redis' => sub {
    my $digest = '+' . 'a' x 40 . "\r\n";
    my @cases = (
        [ 'busy',   "-BUSY Redis is busy running a script.\r\n",      0, qr/is busy with a script/ ],
        [ 'max',    "-ERR max number of clients reached\r\n",         1, qr/has too many clients/ ],
        [ 'pop3',   "+OK POP3 ready\r\n+OK\r\n+OK\r\n",               1, qr/what is not Redis/ ],
        [ 'more',   "$digest*0\r\n*0\r\n",                            1, qr/what is not Redis \(a reply that nobody/ ],
        [ 'smtp',   "220 mx.example ESMTP\r\n",                       1, qr/what is not Redis/ ],
        [ 'huge',   "*2000000000\r\n" . "\$-1\r\n" x 100,             0, qr/what is not Redis \(the reply is too/ ],
        [ 'long',   "\$4000000000\r\n" . 'x' x 2_000_000,             0, qr/what is not Redis \(the reply is too/ ],
        [ 'odd',    $digest . "*3\r\n:1\r\n*1\r\n*0\r\n\$-1\r\n", 0, undef ],
    );
    for my $case (@cases) {
        my ($name, $reply, $is_greeting, $line) = @{$case};
        my $tool = tool(server => Postvalve::RedisTool::scripted_server($name, $reply, $is_greeting));
        adds_up($tool->ask('read 1 ' . CLIENT), 1, $name);
        wait_until { !$tool->ask('status')->{read} } 30, 'the trouble' if $line;
        $tool->log_is($name, $line ? qr/^warning: Redis \S+ .*$line/ : ());
        is $tool->finish, 0, 'a clean end';
    }
};

subtest 'a name' => sub {
    my $server = Postvalve::Redis->new(port => 1)->start;
    my $tool = tool(server => 'inet:localhost:' . $server->port);
    ok is_back($tool), 'over TCP';
    $tool->log_is('looking it up is nothing to tell');
    is $tool->finish, 0, 'a clean end';
};

finish();
