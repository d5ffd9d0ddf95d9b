#!/usr/bin/perl
# postvalvectl status: what it sees of a host, with and without daemons and Redis.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use Postvalve::Daemon;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Test;

use constant { USAGE => 64, CONFIG => 78 };

my $ctl = program('ctl');
my $dir = temp_dir();
my $redis = Postvalve::Redis->new(password => 'secret');
my $smtp_port = 0 + free_port();
my $host_key = 'pv:host:mx1';

our %config = (
    host    => 'mx1',
    mode    => 'observe',
    service => { port => $smtp_port, slot_limit => 4 },
    policyd => { listen => [ "unix:$dir/policyd", "unix:$dir/policyd2" ] },
    milter  => { listen => "unix:$dir/milter" },
    redis   => { server => '' },
);

# Runs it with the configuration as it is now; returns exit status and output, standard error
# included, where nothing should be.
sub status {
    my (@arguments) = @_;
    write_json("$dir/config.json", \%config);
    return run_command([ $ctl, '--config', "$dir/config.json", 'status', @arguments ]);
}

sub status_json {
    my ($status, $output) = status('--json', @_);
    my $data = eval { JSON::PP->new->utf8->decode($output) };
    ok $data, 'output is JSON' or diag $output;
    return ($status, $data);
}

sub listen_unix { return IO::Socket::UNIX->new(Local => $_[0], Listen => 5) // die "$_[0]: $!" }

subtest 'nothing runs' => sub {
    my ($status, $output) = status();
    is $status, 1, 'exit status';
    is $output, <<"TEXT", 'the text';
host      mx1
mode      observe
level     unknown
pressure  unknown: nothing listens on port $smtp_port here: is Postfix running, and
          is service.port right?
policyd   NOT REACHABLE: unix:$dir/policyd: No such file or directory
policyd   NOT REACHABLE: unix:$dir/policyd2: No such file or directory
milter    NOT REACHABLE: unix:$dir/milter: No such file or directory
redis     none configured
TEXT
    ($status, my $data) = status_json();
    is $status, 1, 'exit status with --json';
    my $unreachable = sub {
        { endpoint => "unix:$dir/$_[0]", reachable => JSON::PP::false,
            error => "unix:$dir/$_[0]: No such file or directory" }
    };
    is_deeply $data,
        {
        ok     => JSON::PP::false,
        host   => 'mx1',
        mode   => 'observe',
        sensor => {
            level => undef, pressure => undef, busy => undef, waiting => undef, slot_limit => 4,
            error => "nothing listens on port $smtp_port here: is Postfix running, and is "
                . 'service.port right?',
            warning => undef,
        },
        published => undef,
        policyd   => [ $unreachable->('policyd'), $unreachable->('policyd2') ],
        milter    => $unreachable->('milter'),
        redis     => undef,
        forced    => undef,
        cluster   => undef,
        },
        'all there is to say';
};

# Four slots, two of them busy, and a client that waits.
my $smtp = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $smtp_port, Listen => 10, ReuseAddr => 1
) // die $!;
my @clients = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $smtp_port) } 1 .. 3;
my @sessions = map { scalar $smtp->accept } 1 .. 2;

subtest 'the sensor' => sub {
    my ($status, $data) = status_json('sensor');
    is $status, 0, 'is well; the others were not asked for';
    is $data->{ok}, JSON::PP::true, 'ok says the same';
    is_deeply $data->{sensor},
        {
        level => 'elevated', pressure => 0.75, busy => 2, waiting => 1, slot_limit => 4,
        error => undef, warning => undef,
        },
        'what was counted';
    is $data->{milter}{reachable}, JSON::PP::false, 'the milter is told of all the same';
    my ($text_status, $output) = status();
    is $text_status, 1, 'by default all count';
    like $output, qr/^level     elevated by the pressure of this moment; no daemon published one$/m,
        'level';
    like $output, qr/^pressure  0\.75$/m, 'pressure';
    like $output, qr/^slots     2 of 4 busy, 1 waiting for one$/m, 'slots';
};

subtest 'the first of services is the one that counts' => sub {
    local $config{services} = [
        { name => 'smtp', port => $smtp_port, slot_limit => 3, level => { elevated => 0.9, stressed => 0.95 } },
        { name => 'submission', port => 587, slot_limit => 2 },
    ];
    local $config{service};
    delete $config{service};
    my (undef, $data) = status_json('sensor');
    is_deeply [ @{ $data->{sensor} }{qw(slot_limit level)} ], [ 3, 'critical' ], 'its slots and levels';
};

my @listeners = map { listen_unix("$dir/$_") } qw(policyd policyd2 milter);

subtest 'all is well' => sub {
    my ($status, $output) = status();
    is $status, 0, 'exit status';
    like $output, qr/^policyd   unix:\Q$dir\E\/policyd answers$/m,  'policyd';
    like $output, qr/^policyd   unix:\Q$dir\E\/policyd2 answers$/m, 'its other listener';
    like $output, qr/^milter    unix:\Q$dir\E\/milter answers$/m,   'milter';
    my (undef, $data) = status_json();
    is $data->{ok}, JSON::PP::true, 'ok';
    is_deeply $data->{milter},
        { endpoint => "unix:$dir/milter", reachable => JSON::PP::true, error => undef }, 'milter';
};

subtest 'one of two listeners of policyd is gone' => sub {
    close $listeners[1];
    is((status())[0], 1, 'is not well');
    is((status('milter', 'sensor'))[0], 0, 'who does not ask is not told');
    unlink "$dir/policyd2";
    $listeners[1] = listen_unix("$dir/policyd2");
};

subtest 'Redis is not there' => sub {
    $config{redis} = { server => 'unix:' . $redis->path, password => 'secret' };
    my ($status, $data) = status_json();
    is $status, 1, 'exit status';
    is $data->{redis}{reachable}, JSON::PP::false, 'not reachable';
    like $data->{redis}{error}, qr/No such file or directory/, 'the reason';
    my ($text_status, $output) = status();
    like $output, qr/^redis     NOT REACHABLE: \S/m, 'the text';
    unlike $output, qr/warning|postvalve/, 'nothing but the text';
    is((status(qw(sensor policyd milter)))[0], 0, 'unless it does not count');
};

subtest 'Redis is there, but nobody published' => sub {
    $redis->start;
    my ($status, $data) = status_json();
    is $status, 0, 'exit status';
    is $data->{published}, undef, 'nothing published';
    is $data->{redis}{reachable}, JSON::PP::true, 'Redis answers';
};

subtest 'a daemon published' => sub {
    my $updated = time - 3;
    $redis->command('HSET', $host_key, publisher => 'milter', level => 'stressed',
        pressure => '1.10', busy => 20, waiting => 2, slot_limit => 20, postfix_stress => 'yes',
        sessions => 18, updated => $updated);
    my ($status, $data) = status_json();
    is $status, 0, 'exit status';
    is_deeply $data->{published},
        {
        publisher => 'milter', level => 'stressed', pressure => 1.1, busy => 20, waiting => 2,
        slot_limit => 20, postfix_stress => JSON::PP::true, sessions => 18, updated => $updated,
        driver => undef, level_source => undef, level_age_s => undef, wait_s => undef,
        },
        'what it published';
    my (undef, $output) = status();
    like $output, qr/^level     stressed, as the milter published \d s ago$/m, 'level';
    like $output,
        qr/^published pressure 1\.10, 20 of 20 busy, 2 waiting, Postfix stress: yes$/m, 'the rest';
};

subtest 'why, what is forced, the other hosts' => sub {
    my $now = $redis->command('TIME')->[0];
    $redis->command('HSET', $host_key, driver => 'waiting', level_source => 'override',
        level_age_s => 130, wait_s => '2.5', renewed_ms => ($now - 2) . '000');
    $redis->command('HSET', 'pv:override:*', level => 'stressed', level_until => $now + 600,
        by => 'root@mx2', note => 'flood');
    $redis->command('ZADD', 'pv:hosts', $now, 'mx1', $now, 'mx2', $now, "m\nx", $now, 'mx3');
    my %other = (publisher => 'policyd', level => 'critical', pressure => '1.50');
    $redis->command('HSET', 'pv:host:mx2', %other, renewed_ms => $now . '000');
    $redis->command('HSET', 'pv:host:mx3', %other, renewed_ms => ($now - 11) . '000');
    my ($status, $data) = status_json();
    is_deeply [ @{ $data->{published} }{qw(driver level_source level_age_s wait_s updated)} ],
        [ 'waiting', 'override', 130, 2.5, $now - 2 ], 'why the level is what it is';
    my $left = delete $data->{forced}{level}{seconds_left};
    cmp_ok $left, '>', 590, 'how long the level is forced';
    is_deeply $data->{forced},
        {
        off   => undef,
        level => {
            level => 'stressed', until => $now + 600, all => JSON::PP::true, by => 'root@mx2',
            note  => 'flood'
        },
        },
        'what is forced';
    my $age_ms = delete $data->{cluster}{others}[0]{age_ms};
    cmp_ok $age_ms, '<', 3000, 'age of another host';
    is_deeply $data->{cluster},
        {
        hosts => 1, stressed => 1, highest_level => 'critical', highest_pressure => 1.5,
        others => [ { host => 'mx2', publisher => 'policyd', level => 'critical', pressure => 1.5 } ],
        },
        'the other hosts that are heard';
    my (undef, $output) = status();
    like $output, qr/^since     2m10s; the level is that of the override, the pressure/m, 'since';
    like $output, qr/^forced    level stressed for all hosts, \w+ more,/m, 'forced';
    like $output, qr/^cluster   1 other host, 1 stressed; /m, 'cluster';
    like $output, qr/^          mx2: critical, pressure 1\.50, \d\.\d s ago$/m, '... each';
    is_deeply [ grep { length > 80 } split /\n/, $output ], [], 'no long lines';
    $redis->command('DEL', 'pv:override:*', 'pv:hosts');
    $redis->command('HDEL', $host_key, 'renewed_ms');
};

subtest 'what is in Redis is not trusted' => sub {
    $redis->command('HSET', $host_key, publisher => "\e[31mevil\n", level => 'x' x 1000,
        pressure => 'nan', busy => '-', waiting => '1e400', slot_limit => '', sessions => '0x',
        updated => '1' x 500, more => 'fields');
    my ($status, $data) = status_json();
    is $status, 0, 'exit status';
    is $data->{published}{publisher}, '\x1b[31mevil\x0a', 'control characters are escaped';
    like $data->{published}{level}, qr/\Ax{1,50}\.\.\.\z/, 'a long text is cut';
    is $data->{published}{$_}, undef, "$_: no number" for qw(pressure busy waiting updated);
    ok !exists $data->{published}{more}, 'fields that we do not know are left out';
    my (undef, $output) = status();
    unlike $output, qr/[^\n -~]/, 'the text is plain';
    $redis->command('DEL', $host_key);
    $redis->command('SET', $host_key, 'a string');
    ($status, $data) = status_json();
    is $data->{published}, undef, 'a key of another type';
    $redis->command('DEL', $host_key);
};

subtest 'a password that is wrong' => sub {
    $config{redis}{password} = 'wrong';
    my ($status, $data) = status_json();
    is $status, 1, 'exit status';
    is $data->{redis}{reachable}, JSON::PP::false, 'not reachable';
    like $data->{redis}{error}, qr/password/i, 'the reason';
    $config{redis}{password} = 'secret';
};

subtest 'a Redis that hangs' => sub {
    $redis->pause;
    my $start_s = now_s();
    my ($status, $data) = status_json();
    cmp_ok now_s() - $start_s, '<', 3, 'is not waited for';
    is $status, 1, 'exit status';
    is $data->{redis}{reachable}, JSON::PP::false, 'not reachable';
    $redis->resume;
};

subtest 'a real host' => sub {
    my $postfix = Postvalve::Postfix->new(process_limit => 7)->start;
    my %daemon = map {
        $_ => Postvalve::Daemon->new($_, postfix => $postfix, redis => $redis)->start
    } qw(policyd milter);
    local %config = (
        %{ $daemon{milter}->config },
        policyd => { listen => [ $daemon{policyd}->listener ] },
        milter  => { listen => $daemon{milter}->listener },
    );
    my ($status, $data);
    wait_ok { ($status, $data) = status_json(); ($data->{published}{publisher} // '') eq 'milter' } 5,
        'the milter publishes';
    is $status, 0, 'exit status';
    is $data->{sensor}{slot_limit}, 7, 'the slot limit is that of master.cf';
    is_deeply [ @{ $data->{sensor} }{qw(level pressure busy)} ], [ 'calm', 0, 0 ], 'it is calm';
    is_deeply [ @{ $data->{published} }{qw(level slot_limit sessions postfix_stress)} ],
        [ 'calm', 7, 0, JSON::PP::false ], 'so says the milter';
};

subtest 'lines fit 80 columns' => sub {
    $config{service}{postfix_config_directory} = '/nonexistent/' . 'directory/' x 3;
    $config{service}{slot_limit} = 'auto';
    my ($status, $output) = status();
    is $status, 1, 'no slot limit';
    is_deeply [ grep { length > 80 } split /\n/, $output ], [], 'no long lines';
    $config{service} = { port => $smtp_port, slot_limit => 4 };
};

subtest 'a configuration that is wrong' => sub {
    local $config{mode} = 'on';
    my ($status, $output) = status();
    is $status, CONFIG, 'exit status';
    like $output, qr/mode: "on", allowed:/, 'the reason';
};

finish();
