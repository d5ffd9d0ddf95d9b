package Postvalve::Test;

# What every test program uses: paths, a temporary directory, bounded waiting,
# and a registry of started processes.
#
#   use FindBin; use lib "$FindBin::Bin/lib";
#   use Postvalve::Test;                  # strict, warnings, Test::More, the list below
#   my $process = start(cmd => [ ... ]);  # stopped at exit, whatever happens
#   wait_ok { ... } 30, 'what should come true';
#   finish();                             # instead of done_testing
#
# Environment:
#   PV_BUILDDIR      where the programs were built (default: the source tree)
#   PV_KEEP          keep the temporary directory when a test fails
#   PV_TEST_TIMEOUT  seconds after which a test program ends itself (default 120)

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use File::Path ();
use File::Temp ();
use IO::Handle ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use Socket ();
use Postvalve::Process ();
use Test::More ();
use Time::HiRes ();

our @EXPORT = qw(
    finish free_port now_s program read_json run_command slurp spew start stop_all temp_dir
    top_builddir top_srcdir wait_ok wait_until write_json
);

use constant {
    POLL_INTERVAL_S     => 0.01,
    LOG_TAIL_LINES      => 40,
    FIRST_PORT          => 20000,    # below the kernel's range for client ports
    LAST_PORT           => 32000,
    PR_SET_PDEATHSIG    => 1,
    DEFAULT_TIMEOUT_S   => 120,
};

my %program_path = (
    policyd => 'policyd/postvalve-policyd',
    milter  => 'milter/postvalve-milter',
    ctl     => 'ctl/postvalvectl',
);

my $owner_pid = $$;
my $temp_dir;
my @processes;    # Postvalve::Process, oldest first
my %port_lock;    # port => socket that reserves it for us

sub import {
    my ($class) = @_;
    my $caller = caller;
    strict->import;
    warnings->import;
    eval "package $caller; Test::More->import; 1" or die $@;
    no strict 'refs';
    *{"${caller}::$_"} = \&{$_} for @EXPORT;
    return;
}

# -- paths ---------------------------------------------------------------------

sub top_srcdir {
    return Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
}

sub top_builddir {
    my $dir = $ENV{PV_BUILDDIR};
    return defined $dir && length $dir ? Cwd::abs_path($dir) : top_srcdir();
}

# The path of one of our programs: policyd, milter or ctl.
sub program {
    my ($name) = @_;
    my $relative = $program_path{$name} or die "no program is called '$name'";
    my $path = top_builddir() . "/$relative";
    -x $path or die "$path: not built (set PV_BUILDDIR to the build directory)\n";
    return $path;
}

# One directory per test program; short, since a unix socket path has 108 bytes,
# and open, since user postfix must reach the sockets inside.
# With a name: a directory of that name inside it.
sub temp_dir {
    my ($name) = @_;
    if (!defined $temp_dir) {
        $temp_dir = File::Temp::tempdir('pvXXXXXX', DIR => '/tmp');
        chmod 0755, $temp_dir or die "chmod $temp_dir: $!";
    }
    return $temp_dir if !defined $name;
    my $dir = "$temp_dir/$name";
    if (!-d $dir) {
        mkdir $dir or die "mkdir $dir: $!";
        chmod 0755, $dir or die "chmod $dir: $!";
    }
    return $dir;
}

# -- files ---------------------------------------------------------------------

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

sub spew {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $text or die "$path: $!";
    close $file or die "$path: $!";
    return $path;
}

sub read_json {
    my ($path) = @_;
    require JSON::PP;
    return JSON::PP->new->utf8->decode(slurp($path));
}

sub write_json {
    my ($path, $data) = @_;
    require JSON::PP;
    return spew($path, JSON::PP->new->utf8->canonical->pretty->encode($data));
}

# -- time ----------------------------------------------------------------------

# Monotonic seconds.
sub now_s () {
    return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
}

# Polls until the block is true and returns what it returned. Past the deadline:
# tells what was waited for and returns false.
sub wait_until (&$;$) {
    my ($condition, $deadline_s, $what) = @_;
    my $end_s = now_s() + $deadline_s;
    while (1) {
        my $result = $condition->();
        return $result if $result;
        last if now_s() >= $end_s;
        Time::HiRes::sleep(POLL_INTERVAL_S);
    }
    Test::More::diag("gave up after $deadline_s s waiting for: " . ($what // 'a condition'));
    return '';
}

# A test that passes when the block becomes true in time.
sub wait_ok (&$;$) {
    my ($condition, $deadline_s, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok(wait_until(\&{$condition}, $deadline_s, $name), $name);
}

# -- ports ---------------------------------------------------------------------

# A TCP port that is free on all addresses. It stays ours among test programs
# running side by side: an abstract unix socket reserves it until we exit.
sub free_port {
    for (1 .. 500) {
        my $port = FIRST_PORT + int rand(LAST_PORT - FIRST_PORT);
        next if $port_lock{$port};
        my $lock = IO::Socket::UNIX->new(Local => "\0postvalve-test-port-$port", Listen => 1)
            or next;
        socket my $probe, Socket::AF_INET(), Socket::SOCK_STREAM(), 0 or die "socket: $!";
        setsockopt $probe, Socket::SOL_SOCKET(), Socket::SO_REUSEADDR(), 1;
        bind $probe, Socket::pack_sockaddr_in($port, Socket::INADDR_ANY()) or next;
        socket my $datagram, Socket::AF_INET(), Socket::SOCK_DGRAM(), 0 or die "socket: $!";
        bind $datagram, Socket::pack_sockaddr_in($port, Socket::INADDR_ANY()) or next;
        $port_lock{$port} = $lock;
        return $port;
    }
    die 'no free port';
}

# -- processes -----------------------------------------------------------------

# Starts a process and registers it. Options:
#   cmd    array of program and arguments; or
#   code   sub to run in a forked child (all other descriptors are closed there)
#   name   for messages (default: the program's name)
#   log    file that takes stdout and stderr (default: NAME.log in the temporary directory)
#   env    hash of environment variables to add; undef removes
#   stdio  handle to use as stdin, stdout and stderr, as spawn(8) does
#   stdin, stdout   handles to use instead of /dev/null and the log
#   keep   handles that `code` needs
#   group  true: a session of its own, signalled as a whole when it must end
#   cwd    directory to start in
#   user   name of the user to run as
# Returns a Postvalve::Process.
sub start {
    my (%option) = @_;
    my $cmd = $option{cmd};
    ($cmd xor $option{code}) or die 'start: give either cmd or code';
    my $name = $option{name} // ($cmd ? File::Basename::basename($cmd->[0]) : 'code');
    my $log = $option{log} // temp_dir() . "/$name.log";
    temp_dir();

    pipe my $error_reader, my $error_writer or die "pipe: $!";
    STDOUT->flush;
    STDERR->flush;
    my $parent_pid = $$;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        eval {
            close $error_reader;
            _become_child(\%option, $log, $parent_pid);
            if ($cmd) {
                no warnings 'exec';
                exec { $cmd->[0] } @{$cmd} or die "$cmd->[0]: $!\n";
            }
            _close_descriptors(@{ $option{keep} // [] });
            $option{code}->();
            1;
        } or do {
            my $message = $@;
            if ($cmd) { syswrite $error_writer, $message }
            else      { syswrite STDERR, $message }
            POSIX::_exit(127);
        };
        POSIX::_exit(0);
    }
    close $error_writer;
    my $message = $cmd ? do { local $/; <$error_reader> } : '';
    if (defined $message && length $message) {
        waitpid $pid, 0;
        die "cannot start $name: $message";
    }
    my $process = bless {
        pid   => $pid,
        name  => $name,
        log   => $option{stdio} ? undef : $log,
        group => $option{group} ? 1 : 0,
    }, 'Postvalve::Process';
    push @processes, $process;
    $process->{guard} = _start_guard($process) if $option{group};
    return $process;
}

# Ends the group when the test program is killed. The parent-death signal does not
# reach a process that changes its effective user, as Postfix's master does.
sub _start_guard {
    my ($process) = @_;
    pipe my $reader, my $writer or die "pipe: $!";
    my $guard = start(
        name     => "$process->{name}-guard",
        keep     => [$reader],
        is_guard => 1,
        code     => sub {
            while (1) {
                my $got = sysread $reader, my $nothing, 1;
                last if defined $got;
            }
            kill 'TERM', -$process->{pid};
        },
    );
    $guard->{alarm} = $writer;    # closed by our death
    return $guard;
}

sub _become_child {
    my ($option, $log, $parent_pid) = @_;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM PIPE CHLD);
    POSIX::setsid() if $option->{group};
    my $out = $option->{stdio} // $option->{stdout};
    my $in  = $option->{stdio} // $option->{stdin};
    my $error = $option->{stdio};
    if (!$in)  { open $in, '<', '/dev/null' or die "/dev/null: $!\n" }
    my $file;
    if (!$out || !$error) { open $file, '>>', $log or die "$log: $!\n" }
    POSIX::dup2(fileno($in), 0) // die "dup2: $!\n";
    POSIX::dup2(fileno($out // $file), 1) // die "dup2: $!\n";
    POSIX::dup2(fileno($error // $file), 2) // die "dup2: $!\n";
    if (defined $option->{cwd}) { chdir $option->{cwd} or die "$option->{cwd}: $!\n" }
    my $environment = $option->{env} // {};
    $ENV{PV_TEST_DIR} = $temp_dir;    # by which _leftover_pids knows what is ours
    for my $key (keys %{$environment}) {
        if (defined $environment->{$key}) { $ENV{$key} = $environment->{$key} }
        else                              { delete $ENV{$key} }
    }
    _become_user($option->{user}) if defined $option->{user};
    return if $option->{is_guard};
    _die_with_parent($parent_pid);    # last: the kernel forgets it with a change of user
    return;
}

sub _become_user {
    my ($name) = @_;
    my ($user, $group) = (getpwnam $name)[ 2, 3 ] or die "there is no user $name\n";
    $) = "$group $group";
    POSIX::setgid($group) or die "setgid: $!\n";
    POSIX::setuid($user) or die "setuid: $!\n";
    return;
}

# A test program that is killed must not leave its daemons behind.
sub _die_with_parent {
    my ($parent_pid) = @_;
    my %prctl = (x86_64 => 157, aarch64 => 167);
    my $number = $prctl{ (POSIX::uname())[4] } // return;
    syscall $number, PR_SET_PDEATHSIG, POSIX::SIGTERM(), 0, 0, 0;
    POSIX::_exit(127) if getppid() != $parent_pid;
    return;
}

# Otherwise a forked helper would keep the test's client connections open. Replaced,
# not closed: perl counts the users of each number, and would not close a descriptor
# that gets the number of a handle it believes to be open.
sub _close_descriptors {
    my %keep = map { $_ => 1 } 0, 1, 2, map { fileno $_ } @_;
    opendir my $dir, '/proc/self/fd' or die "/proc/self/fd: $!\n";
    my @open = grep { /^\d+$/ } readdir $dir;
    closedir $dir;
    for my $descriptor (@open) {
        POSIX::dup2(0, $descriptor) if !$keep{$descriptor};
    }
    return;
}

# Runs a command to its end, at most $deadline_s. Returns (exit status, output of
# stdout and stderr together); dies when it does not end in time.
sub run_command {
    my ($cmd, $deadline_s, %option) = @_;
    my $name = 'run.' . File::Basename::basename($cmd->[0]);
    my $log = File::Temp::tempnam(temp_dir(), "$name.");
    my $process = start(cmd => $cmd, name => $name, log => $log, %option);
    my $status = $process->wait_exit($deadline_s // 10);
    my $output = slurp($log);
    if (!defined $status) {
        $process->kill9;
        die "@{$cmd}: still running after the deadline\n$output";
    }
    unlink $log;
    @processes = grep { $_ != $process } @processes;
    return ($status >> 8 || $status, $output);
}

# Stops all that is still running, the newest first.
sub stop_all {
    $_->stop for reverse @processes;
    return;
}

# Ends a test program: stops everything, checks that nothing is left, and prints
# the plan.
sub finish {
    stop_all();
    my @left;
    my $is_clean = wait_until { @left = _leftover_pids(); !@left } 30, 'all processes to end';
    Test::More::ok($is_clean, 'no process is left behind')
        or Test::More::diag(map { "left: $_ " . _command_line($_) . "\n" } @left);
    Test::More::done_testing();
    return;
}

# Processes that carry our temporary directory in their environment (ours) or
# arguments.
sub _leftover_pids {
    return if !defined $temp_dir;
    my @found;
    opendir my $proc, '/proc' or die "/proc: $!";
    for my $pid (grep { /^\d+$/ && $_ != $$ } readdir $proc) {
        my $text = '';
        for my $name (qw(environ cmdline)) {
            open my $file, '<', "/proc/$pid/$name" or next;
            local $/;
            my $part = eval { no warnings; <$file> };
            $text .= $part if defined $part;
        }
        next if $text !~ m{\Q$temp_dir\E(?:[/\0\s]|\z)};
        push @found, $pid;
    }
    return @found;
}

sub _command_line {
    my ($pid) = @_;
    my $text = eval { slurp("/proc/$pid/cmdline") } // '';
    $text =~ tr/\0/ /;
    return $text;
}

sub _tell_logs {
    my %is_told;
    for my $process (@processes) {
        my $log = $process->{log};
        next if !defined $log || !-s $log || $is_told{$log}++;
        my @lines = split /\n/, slurp($log);
        @lines = @lines[ -LOG_TAIL_LINES .. -1 ] if @lines > LOG_TAIL_LINES;
        Test::More::diag("-- end of $log", map { "\n   $_" } @lines);
    }
    return;
}

if (!$^C) {
    for my $signal (qw(INT TERM HUP)) {
        $SIG{$signal} = sub { exit 128 + POSIX->can("SIG$signal")->() };    # runs END
    }
    $SIG{PIPE} = 'IGNORE';
    my $timeout_s = $ENV{PV_TEST_TIMEOUT} || DEFAULT_TIMEOUT_S;
    $SIG{ALRM} = sub {
        Test::More::diag("this test program ran longer than $timeout_s s");
        Test::More::fail('the test program ends in time');
        exit 1;
    };
    alarm $timeout_s;
}

END {
    if ($$ == $owner_pid) {
        local ($?, $!, $@);
        alarm 0;
        my $has_failed = !Test::More->builder->is_passing;
        eval { stop_all(); 1 } or Test::More::diag("stop: $@");
        kill 'KILL', _leftover_pids();
        _tell_logs() if $has_failed;
        if (defined $temp_dir) {
            if ($has_failed && $ENV{PV_KEEP}) { Test::More::diag("kept: $temp_dir") }
            else { File::Path::remove_tree($temp_dir, { safe => 0, error => \my $ignored }) }
        }
    }
}

1;
