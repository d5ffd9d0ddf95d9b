package Postvalve::Postfix;

# A private Postfix: own configuration, queue, data directory and log, nothing
# shared with the instance in /etc/postfix or with other instances.
#
#   my $postfix = Postvalve::Postfix->new(process_limit => 3, main => { ... })->start;
#   Postvalve::Smtp->new(port => $postfix->port) ...
#
# The SMTP service is "PORT inet" with inet_interfaces = all: a service bound to a
# loopback address alone never gets the stress condition. The process that uses up
# process_limit is the first to say stress=yes: with a limit of N, the N-th; and that
# lasts 1000 s, over a reload too. Mail to alice, bob, carol and dave at example.test
# is accepted and discarded; everything else is refused. The master runs as our child,
# so that nothing outlives the test program.

use strict;
use warnings;

use Postvalve::Smtp ();
use Postvalve::Test ();
use Time::HiRes ();

my $count = 0;
my $daemon_directory;

# Options:
#   name           of the directory and of the host, NAME.example.test (mx1, mx2, ...)
#   process_limit  of the SMTP service (5); '-' means default_process_limit
#   port           to listen on (any free one)
#   listen         address in master.cf: '127.0.0.1' instead of all interfaces
#   main           hash of main.cf parameters to add or override
#   options        array of "name=value" for the SMTP service in master.cf
#   master         array of more master.cf lines
#   is_without_smtp  true: the SMTP service is among the master lines
#   submission     true: a second smtpd on a port of its own, with an array of
#                  "name=value" if one is given
#   stress         true: the SMTP service says stress=yes from the start
#   wrapper        array: a command that ends with running its arguments, for a namespace
sub new {
    my ($class, %option) = @_;
    my $name = $option{name} // 'mx' . ++$count;
    my $dir = $option{dir} // Postvalve::Test::temp_dir($name);
    my $self = bless {
        name            => $name,
        dir             => $dir,
        port            => $option{port} // Postvalve::Test::free_port(),
        submission_port => $option{submission} ? Postvalve::Test::free_port() : undef,
        option          => \%option,
    }, $class;
    $self->_make_directories;
    $self->_write_main_cf;
    $self->_write_master_cf;
    return $self;
}

sub name            { return $_[0]{name} }
sub dir             { return $_[0]{dir} }
sub port            { return $_[0]{port} }
sub submission_port { return $_[0]{submission_port} }
sub config_dir      { return "$_[0]{dir}/etc" }
sub queue_dir       { return "$_[0]{dir}/queue" }
sub log_path        { return "$_[0]{dir}/maillog" }
sub hostname        { return "$_[0]{name}.example.test" }
sub master_pid      { return $_[0]{process} && $_[0]{process}{pid} }

# The name the SMTP service has in master.cf, for postconf -M, -F and -P.
sub service {
    my ($self) = @_;
    my $listen = $self->{option}{listen};
    return (defined $listen ? "$listen:" : '') . "$self->{port}/inet";
}

# -- configuration -------------------------------------------------------------

# What post-install makes, without the second it takes.
sub _make_directories {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $user = getpwnam 'postfix' // die 'there is no user postfix';
    my $group = getgrnam 'postdrop' // die 'there is no group postdrop';
    my @private = qw(active bounce corrupt defer deferred flush hold incoming private saved
        trace);
    my @rows = (
        [ 'etc',   0,     0, 0755 ],
        [ 'data',  $user, 0, 0755 ],
        [ 'queue', 0,     0, 0755 ],
        [ 'queue/pid', 0, 0, 0755 ],
        (map { [ "queue/$_", $user, 0, 0700 ] } @private),
        [ 'queue/public',   $user, $group, 02710 ],
        [ 'queue/maildrop', $user, $group, 01730 ],
    );
    for my $row (@rows) {
        my ($name, $owner, $owner_group, $mode) = @{$row};
        next if -d "$dir/$name";
        mkdir "$dir/$name" or die "mkdir $dir/$name: $!";
        chown $owner, $owner_group, "$dir/$name" or die "chown $dir/$name: $!";
        chmod $mode, "$dir/$name" or die "chmod $dir/$name: $!";
    }
    return;
}

sub _write_main_cf {
    my ($self) = @_;
    my %main = (
        compatibility_level    => '3.6',
        queue_directory        => $self->queue_dir,
        data_directory         => "$self->{dir}/data",
        maillog_file           => $self->log_path,
        maillog_file_prefixes  => $self->{dir},
        syslog_name            => "postfix-$self->{name}",
        myhostname             => $self->hostname,
        mydomain               => 'example.test',
        mydestination          => '$myhostname, example.test',
        mynetworks             => '192.0.2.25/32',
        inet_interfaces        => 'all',
        inet_protocols         => 'ipv4',
        alias_maps             => '',
        alias_database         => '',
        local_transport        => 'discard:',
        local_recipient_maps   => 'inline:{alice=1, bob=1, carol=1, dave=1}',
        smtpd_peername_lookup  => 'no',
        disable_dns_lookups    => 'yes',
        append_dot_mydomain    => 'no',
        biff                   => 'no',
        in_flow_delay          => '0',
        service_throttle_time  => '1s',
        smtpd_tls_security_level => 'none',
        %{ $self->{option}{main} // {} },
    );
    Postvalve::Test::spew($self->config_dir . '/main.cf',
        join '', map { "$_ = $main{$_}\n" } sort keys %main);
    return $self->_age_config;
}

# Postfix waits until a file it reads is more than a second old, in each process.
sub _age_config {
    my ($self) = @_;
    my $time = time - 10;
    utime $time, $time, map { $self->config_dir . "/$_" } qw(main.cf master.cf);
    return;
}

sub _write_master_cf {
    my ($self) = @_;
    my $option = $self->{option};
    my $listen = defined $option->{listen} ? "$option->{listen}:" : '';
    my $limit = $option->{process_limit} // 5;
    my @smtp_options = (@{ $option->{options} // [] }, $option->{stress} ? 'stress=yes' : ());
    my @submission_options = ref $option->{submission} ? @{ $option->{submission} } : ();
    my @lines = (
        'cleanup    unix  n - n - 0 cleanup',
        'qmgr       unix  n - n 300 1 qmgr',
        'tlsmgr     unix  - - n 1000? 1 tlsmgr',
        'rewrite    unix  - - n - - trivial-rewrite',
        'bounce     unix  - - n - 0 bounce',
        'defer      unix  - - n - 0 bounce',
        'trace      unix  - - n - 0 bounce',
        'verify     unix  - - n - 1 verify',
        'proxymap   unix  - - n - - proxymap',
        'proxywrite unix  - - n - 1 proxymap',
        'smtp       unix  - - n - - smtp',
        'relay      unix  - - n - - smtp',
        'showq      unix  n - n - - showq',
        'error      unix  - - n - - error',
        'retry      unix  - - n - - error',
        'discard    unix  - - n - - discard',
        'local      unix  - n n - - local',
        'lmtp       unix  - - n - - lmtp',
        'anvil      unix  - - n - 1 anvil',
        'scache     unix  - - n - 1 scache',
        'postlog    unix-dgram n - n - 1 postlogd',
        @{ $option->{master} // [] },
    );
    if (defined $self->{submission_port}) {
        push @lines, _smtpd_lines("$self->{submission_port}", '-', @submission_options);
    }
    # Last: when it listens, all others do.
    push @lines, _smtpd_lines("$listen$self->{port}", $limit, @smtp_options)
        if !$option->{is_without_smtp};
    Postvalve::Test::spew($self->config_dir . '/master.cf', join '', map { "$_\n" } @lines);
    return $self->_age_config;
}

sub _smtpd_lines {
    my ($name, $limit, @options) = @_;
    return ("$name inet n - n - $limit smtpd", map { "    -o { $_ }" } @options);
}

# Runs postconf on this instance and returns its output; dies when it fails.
sub postconf {
    my ($self, @arguments) = @_;
    my ($status, $output) =
        Postvalve::Test::run_command(
            [ '/usr/sbin/postconf', '-c', $self->config_dir, @arguments ]);
    $status == 0 or die "postconf @arguments: $output";
    $self->_age_config;
    chomp $output;
    return $output;
}

# Changes main.cf; takes effect in new processes, at once after reload().
sub edit_main {
    my ($self, %main) = @_;
    $self->postconf('-e', map { "$_=$main{$_}" } sort keys %main);
    return $self;
}

# Makes the SMTP service say stress=yes, or leaves it to Postfix again.
sub force_stress {
    my ($self, $is_on) = @_;
    my $name = $self->service . '/stress';
    $self->postconf($is_on ? ('-P', "$name=yes") : ('-PX', $name));
    return $self->reload;
}

# -- life ----------------------------------------------------------------------

sub start {
    my ($self) = @_;
    die "$self->{name} is running" if $self->{process} && $self->{process}->is_running;
    $daemon_directory //= do {
        my ($status, $output) =
            Postvalve::Test::run_command([ '/usr/sbin/postconf', '-dh', 'daemon_directory' ]);
        chomp $output;
        $output;
    };
    # As postfix(1) runs it, but as our child: no -w, which would detach it.
    $self->{process} = Postvalve::Test::start(
        cmd   => [
            @{ $self->{option}{wrapper} // [] },
            "$daemon_directory/master", '-c', $self->config_dir
        ],
        name  => "$self->{name}-master",
        log   => "$self->{dir}/master.out",
        cwd   => $self->queue_dir,
        group => 1,
        env   => { MAIL_CONFIG => $self->config_dir },
    );
    my $is_ready = Postvalve::Test::wait_until(
        sub {
            $self->{process}->is_running or die "master ended:\n" . $self->log_text;
            return $self->is_listening;
        },
        10,
        "$self->{name} to listen"
    );
    $is_ready or die "$self->{name} does not listen\n" . $self->log_text;
    return $self;
}

# Whether the SMTP service listens; does not connect, which would use a process.
sub is_listening {
    my ($self) = @_;
    return defined listen_backlog($self->{port});
}

# Connects and waits for the banner; true when it is a 220.
sub wait_answer {
    my ($self, $deadline_s) = @_;
    my $smtp = Postvalve::Smtp->new(port => $self->{port}, timeout_s => $deadline_s // 10);
    return 0 if $smtp->banner->code != 220;
    return $smtp->quit->code == 221;
}

# Clients waiting for a process: rx_queue of the LISTEN line; undef: nobody listens.
sub listen_backlog {
    my ($port) = @_;
    my $hex = sprintf '%04X', $port;
    for my $name ('/proc/net/tcp', '/proc/net/tcp6') {
        next if !-e $name;
        for my $line (split /\n/, Postvalve::Test::slurp($name)) {
            # sl local_address rem_address st tx_queue:rx_queue ...; 0A is LISTEN
            my (undef, $local, undef, $state, $queues) = split ' ', $line;
            next if $state ne '0A' || $local !~ /:$hex\z/;
            return hex((split /:/, $queues)[1]);
        }
    }
    return undef;
}

sub backlog { return listen_backlog($_[0]{port}) // 0 }

sub stop {
    my ($self) = @_;
    return $self->{process} ? $self->{process}->stop : undef;
}

sub restart {
    my ($self) = @_;
    $self->stop;
    return $self->start;
}

# Runs a postfix(1) command on this instance: status, check, flush, ...
sub postfix_command {
    my ($self, @arguments) = @_;
    return Postvalve::Test::run_command(
        [ '/usr/sbin/postfix', '-c', $self->config_dir, @arguments ]);
}

# Returns when the master has read its configuration again, and idle smtpd processes
# with the old one are gone. Those with a client stay and keep it.
sub reload {
    my ($self) = @_;
    my %is_old = map { $_ => 1 } $self->smtpd_pids;
    my $before = () = $self->log_text =~ /master\[\d+\]: reload -- version/g;
    $self->{process}->send_signal('HUP');
    Postvalve::Test::wait_until(
        sub {
            my $now = () = $self->log_text =~ /master\[\d+\]: reload -- version/g;
            return $now > $before;
        },
        5,
        "$self->{name} to reload"
    ) or die "$self->{name} does not reload";
    my $end_s = Postvalve::Test::now_s() + 0.5;
    while (grep { $is_old{$_} } $self->smtpd_pids) {
        last if Postvalve::Test::now_s() >= $end_s;
        Time::HiRes::sleep(0.01);
    }
    return $self;
}

# -- what it did ---------------------------------------------------------------

sub log_text {
    my ($self) = @_;
    return -e $self->log_path ? Postvalve::Test::slurp($self->log_path) : '';
}

# Waits until a pattern is in the log; returns the last matching line.
sub wait_log {
    my ($self, $pattern, $deadline_s) = @_;
    return Postvalve::Test::wait_until(
        sub {
            my @found = grep { $_ =~ $pattern } split /\n/, $self->log_text;
            return $found[-1];
        },
        $deadline_s // 5,
        "$pattern in the log of $self->{name}"
    );
}

# Recipients that got their mail.
sub delivered_count {
    my ($self) = @_;
    my $delivered = () = $self->log_text =~ /\bstatus=sent\b/g;
    return $delivered;
}

sub wait_delivered {
    my ($self, $wanted, $deadline_s) = @_;
    return Postvalve::Test::wait_until(sub { $self->delivered_count >= $wanted },
        $deadline_s // 5, "$wanted deliveries by $self->{name}");
}

# Messages in the queue.
sub queue_count {
    my ($self) = @_;
    my $found = 0;
    for my $queue (qw(incoming active deferred hold)) {
        $found += grep { -f } glob $self->queue_dir . "/$queue/* " . $self->queue_dir
            . "/$queue/?/*";
    }
    return $found;
}

# The smtpd processes of the SMTP service, or of the service on another port: an
# array of { pid, stress }, by pid.
sub smtpd_processes {
    my ($self, $port) = @_;
    my $wanted = $port // $self->{port};
    my @found;
    for my $directory (glob '/proc/[0-9]*') {
        my ($pid) = $directory =~ m{(\d+)\z};
        my $stat = eval { Postvalve::Test::slurp("$directory/stat") } // next;
        my ($comm, $parent) = $stat =~ /\((.*)\) \S (\d+)/ or next;
        next if $comm ne 'smtpd' || $parent != $self->master_pid;
        my @arguments = split /\0/, eval { Postvalve::Test::slurp("$directory/cmdline") } // '';
        my $text = " @arguments ";
        next if $text !~ / -n (?:\S*:)?$wanted /;
        push @found, { pid => $pid, stress => $text =~ / stress=yes / ? 1 : 0 };
    }
    return sort { $a->{pid} <=> $b->{pid} } @found;
}

sub smtpd_pids {
    my ($self, $port) = @_;
    return map { $_->{pid} } $self->smtpd_processes($port);
}

1;
