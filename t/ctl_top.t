#!/usr/bin/perl
# postvalvectl top: what it shows, that it fits the screen, and leaves the terminal as it was.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Open2 ();
use JSON::PP ();
use Postvalve::Redis;
use Postvalve::Test;

use constant { USAGE => 64, UNAVAILABLE => 69 };

my $ctl = program('ctl');
my $dir = temp_dir();
my $redis = Postvalve::Redis->new->start;
write_json("$dir/config.json", { host => 'mx1', redis => { server => 'unix:' . $redis->path } });

sub ctl { return run_command([ $ctl, '--config', "$dir/config.json", @_ ]) }

sub publish {
    my (%field) = @_;
    my ($s, $us) = @{ $redis->command('TIME') };
    $redis->command('HSET', 'pv:host:mx1', publisher => 'milter', id => 'x', service => 'smtp',
        level => 'stressed', level_source => 'sensors', level_age_s => 130, pressure => '1.100',
        driver => 'waiting', busy => 20, slot_limit => 20, waiting => 2, postfix_stress => 'yes',
        renewed_ms => $s . sprintf('%03d', $us / 1000), %field);
    return;
}

sub publish_sessions {
    my ($count) = @_;
    my @holders = map { {
        client => "2001:db8:1111:2222:3333:4444:5555:6$_", class => 'suspect', state => 'connected',
        held_s => 12.5 + $_, silent_s => 12.5
    } } 100 .. 99 + $count;
    $redis->command('SET', 'pv:top:mx1', JSON::PP->new->encode(
        { sessions => $count, classes => { good => 3, suspect => $count - 3 }, holders => \@holders }));
    return;
}

subtest 'once, nobody publishes' => sub {
    my ($status, $output) = ctl(qw(top --once));
    is $status, 0, 'exit status';
    like $output, qr/^mx1  no daemon of this host publishes its state$/m, 'says so';
    like $output, qr/^sessions  no milter of this host publishes them$/m, '... of the sessions too';
};

subtest 'once' => sub {
    publish();
    publish_sessions(19);
    my ($status, $output) = ctl(qw(top --once));
    is $status, 0, 'exit status';
    like $output, qr/^mx1  stressed for 2m10s \(sensors\)  pressure 1\.10 \(waiting\)$/m, 'level';
    like $output, qr/^slots     \[#{40}\] 20\/20, 2 wait$/m, 'slots';
    like $output, qr/^sessions  trusted 0 good 3 returning 0 unknown 0 suspect 16 bot 0$/m, 'classes';
    like $output, qr/^2001:db8:1111:2222:3333:4444:5555:6100 +suspect +connected +112\.5s +12\.5s$/m,
        'who holds slots';
    is_deeply [ grep { length > 80 } split /\n/, $output ], [], 'no long lines';
    ($status, $output) = ctl(qw(top --once --json));
    my $data = JSON::PP->new->decode($output);
    is_deeply [ @{ $data->{services}[0] }{qw(name level pressure driver busy waiting slot_limit)} ],
        [ 'smtp', 'stressed', 1.1, 'waiting', 20, 2, 20 ], 'JSON: the service';
    is $data->{top}{classes}{suspect}, 16, '... classes';
    is_deeply $data->{top}{holders}[0],
        {
        client => '2001:db8:1111:2222:3333:4444:5555:6100', class => 'suspect',
        state  => 'connected', held_s => 112.5, silent_s => 12.5
        },
        '... holders';
};

subtest 'what is in Redis is not trusted' => sub {
    for my $wrong ('', '[', '[]', '"x"', '{}', '{"holders":1,"classes":[]}', '{"holders":[1,null,[]]}',
        '{"sessions":-5,"holders":[{"client":"\u001b[31mx","held_s":-1e300,"silent_s":"x"}]}',
        '{"sessions":1e99}', '[' x 5000) {
        $redis->command('SET', 'pv:top:mx1', $wrong);
        my ($status, $output) = ctl(qw(top --once));
        is $status, 0, substr $wrong, 0, 40;
        unlike $output, qr/[^\n -~]/, '... plain text';
    }
    $redis->command('DEL', 'pv:top:mx1');
    $redis->command('LPUSH', 'pv:top:mx1', 'x');
    is +(ctl(qw(top --once)))[0], UNAVAILABLE, 'a key of another type';
    $redis->command('DEL', 'pv:top:mx1');
};

# In a terminal of 80 columns and 24 rows; steps are called when their text has been seen.
sub in_terminal {
    my ($command, @steps) = @_;
    my $pid = IPC::Open2::open2(my $out, my $in, 'script', '-qfc', "stty cols 80 rows 24; $command",
        '/dev/null');
    my ($seen, $from) = ('', 0);
    my $deadline = now_s() + 15;
    while (now_s() < $deadline) {
        my $ready = '';
        vec($ready, fileno $out, 1) = 1;
        next unless select $ready, undef, undef, 0.2;
        sysread $out, $seen, 65536, length $seen or last;
        while (@steps && substr($seen, $from) =~ $steps[0][0]) {
            $from = length $seen;
            (shift @steps)->[1]->($in);
        }
    }
    close $in;
    close $out;
    kill 'KILL', $pid if now_s() >= $deadline;
    waitpid $pid, 0;
    is scalar @steps, 0, 'all of it was seen' or diag $seen;
    return $seen;
}

my $top = "$ctl --config $dir/config.json top";

subtest 'live' => sub {
    publish();
    publish_sessions(20);
    my $seen = in_terminal(
        "stty -g; $top; echo status=\$?; stty -g",
        [ qr/mx1  stressed.*6116/s => sub { publish(level => 'critical') } ],
        [ qr/mx1  critical/ => sub { syswrite $_[0], 'q' } ],
        [ qr/status=0/ => sub { } ],
    );
    my ($before) = $seen =~ /\A(\S+)\r\n/;
    my ($after) = $seen =~ /status=0\r\n(\S+)\r\n\z/;
    is $after, $before, 'the terminal is as it was';
    like $seen, qr/\e\[\?1049h\e\[\?25l.*\e\[\?25h\e\[\?1049l/s, 'screen and cursor are given back';
    my ($screen) = $seen =~ /\e\[\?25l(.*)\e\[\?25h/s;
    my @lines = $screen =~ /\e\[(\d+);1H([^\e]*)\e\[K/g;
    my (@too_long, @too_low, %writes);
    while (my ($row, $text) = splice @lines, 0, 2) {
        push @too_long, $text if length $text > 80;
        push @too_low, $row if $row > 24;
        $writes{$row}++;
    }
    is_deeply \@too_long, [], 'no line is longer than the screen';
    is_deeply \@too_low, [], 'none below the last row';
    cmp_ok scalar keys %writes, '>', 10, 'many lines are there';
    is_deeply [ map { $writes{$_} } grep { $_ != 1 } sort { $a <=> $b } keys %writes ]->[-1], 1,
        'lines that do not change are written once';
    cmp_ok $writes{1}, '>', 1, 'those that do are written again';
};

subtest 'Ctrl-C, and Redis that goes away' => sub {
    publish();
    my $seen = in_terminal(
        "trap : INT; $top; echo status=\$?",
        [ qr/mx1  stressed/ => sub { $redis->pause } ],
        [ qr/mx1  (?!stressed)\S/ => sub { $redis->resume } ],
        [ qr/mx1  stressed/ => sub { syswrite $_[0], "\cC" } ],
        [ qr/status=0/ => sub { } ],
    );
    like $seen, qr/\e\[\?25h\e\[\?1049l/, 'screen and cursor are given back';
    unlike $seen, qr/warning/, 'nothing of its parts in between';
};

subtest 'no terminal, no Redis' => sub {
    my ($status, $output) = ctl('top');
    is $status, UNAVAILABLE, 'no terminal';
    like $output, qr/--once/, '... says what to do';
    is +(ctl(qw(top --json)))[0], USAGE, '--json alone';
    $redis->stop;
    ($status, $output) = ctl(qw(top --once));
    is $status, UNAVAILABLE, 'no Redis';
    like $output, qr/\Apostvalvectl: .*\n\z/, '... one line says so';
};

finish();
