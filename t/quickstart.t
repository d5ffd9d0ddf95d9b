#!/usr/bin/perl
# contrib/quickstart: its arguments, and the demonstration itself against what was built here.
use FindBin;
use lib "$FindBin::Bin/lib";
BEGIN { $ENV{PV_TEST_TIMEOUT} ||= 240 }
use Postvalve::Test;
use Postvalve::Smtp;

my $quickstart = top_srcdir() . '/contrib/quickstart';
my $driver     = top_srcdir() . '/contrib/lib/quickstart.pl';
my @driver     = ($^X, $driver, '--seconds', 20);

# Processes that have the directory in their arguments or environment.
sub processes_of {
    my ($dir) = @_;
    my @found;
    for my $proc (glob '/proc/[0-9]*') {
        my $text = join "\0", map { eval { slurp("$proc/$_") } // '' } qw(cmdline environ);
        push @found, $text if $text =~ m{\Q$dir\E(?:[/\0\s]|\z)};
    }
    return @found;
}

# Not the flood of somebody else on this machine.
sub children_of {
    my ($pid) = @_;
    return grep { (eval { slurp("$_/stat") } // '') =~ /\) \S \Q$pid\E / } glob '/proc/[0-9]*';
}

sub is_clean {
    my ($dir) = @_;
    ok !-e $dir, 'its directory is gone';
    my $is_gone = wait_until { !processes_of($dir) } 30, 'its processes to end';
    ok $is_gone, 'its processes are gone';
    return;
}

subtest 'arguments' => sub {
    my ($status, $output) = run_command([ $quickstart, '--help' ]);
    is $status, 0, '--help';
    like $output, qr/^usage: contrib\/quickstart/m, 'says how to use it';
    for my $wrong ([ '--nonsense' ], [ '--seconds', 'x' ], [ '--seconds', '3' ], ['--seconds']) {
        ($status, $output) = run_command([ $quickstart, @{$wrong} ]);
        is $status, 64, "@{$wrong}: refused";
        like $output, qr/^quickstart: /, '... with the reason';
    }
};

subtest 'off, on, side by side, then by hand until it is interrupted' => sub {
    my $process = start(cmd => \@driver, name => 'quickstart');
    wait_until { $process->log_text =~ /Ctrl-C stops/ || !$process->is_running } 120, 'the end';
    my $output = $process->log_text;
    like $output, qr/^Passed: with Postvalve .* none was refused\.$/m, 'good mail got through' or return;
    my ($off, $on) = $output =~ /in time +\d+ of \d+, ([\d.]+) % +\d+ of \d+, ([\d.]+) %/;
    cmp_ok $off, '<',  50, 'without Postvalve it did not';
    cmp_ok $on,  '>=', 99, 'with it it did';
    is scalar(() = $output =~ m{^ *\d+ +\d+/20 .*\|.*\|}mg), 40, 'a line each second';
    my ($report) = $output =~ /\A(.*^Passed)/ms;
    is_deeply [ grep { length > 80 } split /\n/, $report ], [], '80 columns';

    my ($port) = $output =~ /--server 127\.0\.0\.1:(\d+)/;
    my ($dir)  = $output =~ m{tail -f (/tmp/\w+)/};
    my $good   = Postvalve::Smtp->new(port => $port, source => '127.10.0.1');
    is $good->send_mail->code, 250, 'a good sender gets in by hand';
    my $is_turned_away = wait_until {
        Postvalve::Smtp->new(port => $port, source => '127.99.0.1')->banner->code == 421
    } 20, 'a 421';
    ok $is_turned_away, 'somebody unknown is asked to come back';
    my ($status, $text) = run_command([ program('ctl'), '--config', "$dir/policyd/config.json",
        'status' ]);
    is $status, 0, 'postvalvectl status' or diag $text;

    $process->send_signal('INT');
    is $process->wait_exit(20), 130 << 8, 'it ends when interrupted';
    is_clean($dir);
};

subtest 'interrupted early' => sub {
    my $process = start(cmd => [ @driver, '--once' ], name => 'early');
    wait_until { $process->log_text =~ m{^ *5 +\d+/20}m } 20, 'the attack to begin';
    my ($dir) = map { m{smtp_flood\0--scenario\0(/tmp/\w+)/} }
        map { eval { slurp("$_/cmdline") } // '' } children_of($process->pid);
    ok defined $dir, 'the flood runs' or return;
    $process->send_signal('TERM');
    is $process->wait_exit(20), 143 << 8, 'it ends when told to';
    is_clean($dir);
};

finish();
