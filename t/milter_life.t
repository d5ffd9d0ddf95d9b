#!/usr/bin/perl
# The milter begins, reads its configuration again, ends, is killed, has no Redis: mail goes on.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::Daemon ();
use Postvalve::MilterClient ();
use Postvalve::MilterSetup ();
use Postvalve::Redis ();
use Postvalve::Smtp ();
use Postvalve::Test;

use constant EX_CONFIG => 78;

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 20, redis => $redis);
my $program = program('milter');

sub smtp { return Postvalve::Smtp->new(port => $postfix->port, source => $_[0]) }

# Runs mail after mail beside the block; returns how many went through and what else was said.
sub under_load {
    my ($block) = @_;
    my $dir = temp_dir('load');
    my $stop = "$dir/stop";
    unlink $stop;
    my @senders = map {
        my $number = $_;
        start(
            name => "sender$number",
            log  => "$dir/log$number",
            code => sub {
                open my $out, '>', "$dir/out$number" or die "out: $!";
                $out->autoflush(1);
                until (-e $stop) {
                    my $reply = eval { smtp("127.20.0.$number")->send_mail };
                    print {$out} $reply ? "$reply->{stage} $reply" : "error $@", "\n";
                }
            }
        );
    } 1 .. 4;
    my $sent = sub {
        my $text = join '', map { -e "$dir/out$_" ? slurp("$dir/out$_") : '' } 1 .. 4;
        my $count = () = $text =~ /^body 250 /mg;
        return ($count, grep { !/^body 250 / } split /\n/, $text);
    };
    # Mail goes on: so many more messages.
    my $more = sub {
        my ($before) = $sent->();
        return wait_until { ($sent->())[0] > $before + 10 } 10, 'mail to go on';
    };
    ok $more->(), 'mail is running';
    $block->($more);
    spew($stop, '');
    $_->wait_exit(10) for @senders;
    my ($count, @other) = $sent->();
    is_deeply \@other, [], 'no client saw anything of it';
    return $count;
}

# -- command line --------------------------------------------------------------

my ($status, $output) = run_command([ $program, '--help' ]);
is $status, 0, '--help';
like $output, qr/--config FILE/, '... tells the options';
($status, $output) = run_command([ $program, '--version' ]);
like $output, qr/^postvalve-milter \d/, '--version';
($status, $output) = run_command([ $program, '--nonsense' ]);
is $status, 64, 'an option that is none';
($status, $output) = run_command([ $program, '--config', $milter->config_file, '--check-config' ]);
is $status, 0, '--check-config' or diag $output;
($status, $output) = run_command([ $program, '--config', $milter->config_file, '--print-config' ]);
like $output, qr/"silent_after_s": 5/, '--print-config';
my $broken = spew(temp_dir() . '/broken.json', '{"milter": {"silent_after_s": 0}, "modus": 1}');
($status, $output) = run_command([ $program, '--config', $broken, '--check-config' ]);
is $status, EX_CONFIG, 'a broken file';
like $output, qr/milter\.silent_after_s.*modus/s, '... every problem is told';

# -- the socket ----------------------------------------------------------------

my $path = $milter->{dir} . '/s';
my $second = Postvalve::Daemon->new('milter', config => {
    milter => { listen => "unix:$path" }, redis => { server => '' } });
($status, $output) = $second->start_refused;
isnt $status, 0, 'a second milter on the same socket does not start';
like $output, qr/\Q$path\E/, '... and says where';
is smtp('127.3.0.1')->send_mail->code, 250, '... the first goes on';
$second = Postvalve::Daemon->new('milter', config => {
    milter => { socket => { mode => '0620' } }, redis => { server => '' } })->start;
is sprintf('%04o', (stat "$second->{dir}/s")[2] & 07777), '0620', 'the mode of the socket';
$second->kill9;
ok -e "$second->{dir}/s", 'a killed one leaves its socket';
$second->start;
is $second->stop, 0, '... which the next one replaces';
ok !-e "$second->{dir}/s", '... and removes when it ends';
for my $host ('127.0.0.1', '[::1]') {
    my $port = free_port();
    my $inet = Postvalve::Daemon->new('milter', config => {
        milter => { listen => "inet:$host:$port" }, redis => { server => '' } });
    next if $host eq '[::1]' && !-e '/proc/net/if_inet6';
    $inet->_launch;
    my $socket;
    wait_until { $socket = IO::Socket::IP->new(PeerHost => $host =~ tr/[]//dr, PeerPort => $port) }
        5, "inet:$host";
    ok $socket, "inet:$host";
    is $inet->stop, 0, '... ends in order';
}

# -- reload --------------------------------------------------------------------

under_load(sub {
    my ($more) = @_;
    my $pid = $milter->pid;
    for my $limit (30, 20) {
        $milter->configure({ service => { slot_limit => $limit } })->reload;
        ok $milter->wait_log(qr/config\.json: taken/), 'HUP reads the configuration';
        ok $more->(), '... mail goes on';
    }
    my $good = slurp($milter->config_file);
    spew($milter->config_file, '{"mode": "maybe", "milter": {"silent_after_s": -1}}');
    $milter->reload;
    ok $milter->wait_log(qr/error: .*the old configuration stays/), 'HUP refuses a broken one';
    like $milter->log_text, qr/error: \S+: mode: .*\n.*error: \S+: milter\.silent_after_s: /,
        '... and tells every problem';
    ok $more->(), '... mail goes on';
    spew($milter->config_file, $good);
    for (1 .. 20) { $milter->reload }
    ok $more->(), 'many HUPs are no harm';
    is $milter->pid, $pid, 'it is the same process';
    ok $milter->is_running, '... and it runs';
});
$milter->configure({ mode => 'observe', redis => { prefix => 'other:' } })->reload;
ok $milter->wait_log(qr/warning: redis\.\*: .*restart/), 'what needs a restart is said';
$redis->command('HSET', 'pv:client:127.3.0.9', 'silent', 50, 'first', time - 100, 'last', time);
is smtp('127.3.0.9')->banner->code, 220, 'a new setting is in force: observe';
$milter->configure({ mode => 'enforce', redis => { prefix => 'pv:' } })->reload;
ok wait_until { smtp('127.3.0.9')->banner->code == 421 } 30, '... and enforce again';

# -- the end -------------------------------------------------------------------

for my $signal (qw(TERM INT)) {
    my $source = $signal eq 'TERM' ? '127.3.1.1' : '127.3.1.2';
    my $open = smtp($source);
    is $open->send_mail->code, 250, "a session that is open at SIG$signal";
    my $silent = smtp('127.3.1.3');
    is $silent->banner->code, 220, '... and one without HELO';
    my $begin_s = now_s();
    $milter->send_signal($signal);
    is $milter->process->wait_exit(5), 0, "SIG$signal ends it in order";
    cmp_ok now_s() - $begin_s, '<', 2, '... soon';
    ok !-e $path, '... its socket is gone';
    is $redis->command('HGET', "pv:client:$source", 'accepted'), '1.000', 'the session is written';
    ok !$redis->command('EXISTS', 'pv:client:127.3.1.3'), '... the other did nothing wrong so far';
    is $open->send_mail->code, 250, 'the session goes on without a milter';
    is smtp($source)->send_mail->code, 250, 'so do new ones';
    $milter->start;
}

under_load(sub {
    my ($more) = @_;
    for (1 .. 3) {
        $milter->kill9;
        ok $more->(), 'kill -9: mail goes on';
        $milter->start;
        ok $more->(), '... also when it is back';
    }
    $milter->restart;
    ok $more->(), 'a restart under load';
});

# -- Redis ---------------------------------------------------------------------

under_load(sub {
    my ($more) = @_;
    $redis->pause;
    ok $more->(), 'Redis hangs: mail goes on';
    my $slow = 0;
    for (1 .. 20) { $slow++ if smtp("127.3.2.$_")->banner->ms > 200 }
    cmp_ok $slow, '<=', 2, '... without waiting';
    $redis->resume;
    ok $more->(), 'Redis is back';
    $redis->kill9;
    ok $more->(), 'Redis is killed: mail goes on';
    $redis->start;
    ok wait_until { $redis->command('EXISTS', 'pv:host:test') } 10, 'it is found again';
    ok wait_until { $redis->command('EXISTS', 'pv:client:127.20.0.1') } 10, '... and written to';
    $redis->pause;
    my $begin_s = now_s();
    is $milter->stop, 0, 'an end while Redis hangs';
    cmp_ok now_s() - $begin_s, '<', 3, '... is soon enough';
    $redis->resume;
    $milter->start;
    ok $more->(), '... and mail goes on';
});

finish();
