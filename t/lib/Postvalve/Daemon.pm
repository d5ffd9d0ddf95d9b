package Postvalve::Daemon;

# One of our daemons, with a configuration of its own.
#
#   my $policyd = Postvalve::Daemon->new('policyd', config => { ... })->start;
#   Postvalve::PolicyClient->new($policyd->endpoint) ...
#
# The given configuration is merged over defaults for tests: a unix socket in the
# temporary directory, no HTTP, log to stderr, no Redis, 10 slots on a port where nobody listens,
# and no trusted networks, since the test's clients come from 127/8. Readiness is found
# by connecting.

use strict;
use warnings;

use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Postvalve::Test ();

my $count = 0;

# $kind: policyd or milter. Options:
#   config     hash merged over the defaults; undef as a value removes a key
#   postfix    Postvalve::Postfix whose SMTP service is protected
#   redis      Postvalve::Redis to use
#   arguments  array of more command line arguments
#   name       of the directory and in messages (policyd1, ...)
#   command    array to run instead of the program, before --config FILE
#   start      hash of options for Postvalve::Test::start (env, ...)
sub new {
    my ($class, $kind, %option) = @_;
    my $name = $option{name} // $kind . ++$count;
    my $dir = Postvalve::Test::temp_dir($name);
    my $self = bless {
        kind   => $kind,
        name   => $name,
        dir    => $dir,
        file   => "$dir/config.json",
        log    => "$dir/log",
        option => \%option,
    }, $class;
    $self->{config} = _merge($self->_default_config, $option{config} // {});
    return $self;
}

sub _default_config {
    my ($self) = @_;
    my ($postfix, $redis) = @{ $self->{option} }{qw(postfix redis)};
    my $listen = "unix:$self->{dir}/s";
    my $service = { port => 0 + Postvalve::Test::free_port(), slot_limit => 10 };
    if ($postfix) {
        my ($name) = $postfix->service =~ m{\A(.*)/inet\z};
        $service = {
            name                     => $name,
            port                     => 0 + $postfix->port,
            slot_limit               => 'auto',
            postfix_config_directory => $postfix->config_dir,
        };
    }
    return {
        host    => 'test',
        log     => { target => 'stderr' },
        trusted => { networks => [] },
        service => $service,
        redis   => {
            server => $redis ? 'unix:' . $redis->path : '',
            # A busy machine that builds may need longer than the default.
            deadline_ms => 200,
            $redis && defined $redis->password ? (password => $redis->password) : (),
        },
        $self->{kind} => {
            listen => $self->{kind} eq 'policyd' ? [$listen] : $listen,
            socket => { mode => '0666' },
        },
        $self->{kind} eq 'policyd' ? (http => { listen => [] }) : (),
    };
}

sub _merge {
    my ($base, $change) = @_;
    my %result = %{$base};
    for my $key (keys %{$change}) {
        my ($old, $new) = ($result{$key}, $change->{$key});
        if (!defined $new) { delete $result{$key} }
        elsif (ref $old eq 'HASH' && ref $new eq 'HASH') { $result{$key} = _merge($old, $new) }
        else { $result{$key} = $new }
    }
    return \%result;
}

sub dir         { return $_[0]{dir} }
sub config      { return $_[0]{config} }
sub config_file { return $_[0]{file} }
sub log_path    { return $_[0]{log} }
sub pid         { return $_[0]{process}{pid} }
sub process     { return $_[0]{process} }
sub is_running  { return $_[0]{process} && $_[0]{process}->is_running }

# The first listener, as in the configuration: unix:PATH or inet:HOST:PORT.
sub listener {
    my ($self) = @_;
    my $listen = $self->{config}{ $self->{kind} }{listen};
    return ref $listen ? $listen->[0] : $listen;
}

# The same as options for a client: (path => ...) or (host => ..., port => ...).
sub endpoint {
    my ($self) = @_;
    my $text = $self->listener // die "$self->{name} does not listen";
    return (path => $1) if $text =~ /\Aunix:(.+)\z/;
    $text =~ /\Ainet:\[?(.*?)\]?:(\d+)\z/ or die "not an endpoint: $text";
    return (host => $1, port => $2);
}

# Changes the configuration and writes the file; reload() makes it take effect.
sub configure {
    my ($self, $change) = @_;
    $self->{config} = _merge($self->{config}, $change) if $change;
    Postvalve::Test::write_json($self->{file}, $self->{config});
    return $self;
}

sub _launch {
    my ($self) = @_;
    die "$self->{name} is running" if $self->is_running;
    $self->configure;
    my $option = $self->{option};
    my @program = $option->{command}
        ? @{ $option->{command} }
        : Postvalve::Test::program($self->{kind});
    $self->{process} = Postvalve::Test::start(
        cmd  => [ @program, '--config', $self->{file}, @{ $option->{arguments} // [] } ],
        name => $self->{name},
        log  => $self->{log},
        %{ $option->{start} // {} },
    );
    return;
}

sub start {
    my ($self) = @_;
    $self->_launch;
    my $is_ready = Postvalve::Test::wait_until(
        sub {
            $self->is_running or die "$self->{name} ended:\n" . $self->log_text;
            return $self->is_answering;
        },
        10,
        "$self->{name} to listen"
    );
    $is_ready or die "$self->{name} does not listen\n" . $self->log_text;
    return $self;
}

# Starts it expecting it to refuse: returns (exit code, what it said).
sub start_refused {
    my ($self, $deadline_s) = @_;
    $self->_launch;
    my $status = $self->{process}->wait_exit($deadline_s // 5);
    if (!defined $status) {
        $self->stop;
        die "$self->{name} started, but must not";
    }
    return ($status >> 8 || $status, $self->log_text);
}

sub is_answering {
    my ($self) = @_;
    my %endpoint = $self->endpoint;
    my $socket = exists $endpoint{path}
        ? IO::Socket::UNIX->new(Peer => $endpoint{path})
        : IO::Socket::INET->new(
            PeerAddr => $endpoint{host},
            PeerPort => $endpoint{port},
            Timeout  => 1
        );
    return defined $socket;
}

sub send_signal {
    my ($self, $signal) = @_;
    return $self->{process}->send_signal($signal);
}

sub reload { return $_[0]->send_signal('HUP') }
sub pause  { return $_[0]->send_signal('STOP') }
sub resume { return $_[0]->send_signal('CONT') }

# The wait(2) status: 0 for an orderly end.
sub stop {
    my ($self) = @_;
    return $self->{process} ? $self->{process}->stop : undef;
}

sub kill9 { return $_[0]{process}->kill9 }

sub restart {
    my ($self) = @_;
    $self->stop;
    return $self->start;
}

sub log_text {
    my ($self) = @_;
    return -e $self->{log} ? Postvalve::Test::slurp($self->{log}) : '';
}

# Waits until a pattern is in the log; returns the last matching line.
sub wait_log {
    my ($self, $pattern, $deadline_s) = @_;
    return Postvalve::Test::wait_until(
        sub {
            my @found = grep { $_ =~ $pattern } split /\n/, $self->log_text;
            return $found[-1];
        },
        $deadline_s // 20,
        "$pattern in the log of $self->{name}"
    );
}

1;
