package Postvalve::Redis;

# A real redis-server of one's own, in one's own directory, and a small client.
#
#   my $redis = Postvalve::Redis->new(port => 1, config => ['maxmemory 10mb'])->start;
#   $redis->command('SET', 'key', 'value');       # dies on an error reply
#   my $client = $redis->client;                  # a connection of its own
#
# Nothing is saved: after restart() the store is empty.

use strict;
use warnings;

use Postvalve::Test ();
use Postvalve::RedisClient;

my $count = 0;

# Options: name, port (a number, or 1 for any free one), password, config (extra lines).
sub new {
    my ($class, %option) = @_;
    my $name = $option{name} // 'redis' . ++$count;
    my $dir = $option{dir} // Postvalve::Test::temp_dir($name);
    my $port = $option{port} // 0;
    $port = Postvalve::Test::free_port() if $port == 1;
    my $self = bless {
        name     => $name,
        dir      => $dir,
        port     => $port,
        path     => "$dir/s",
        password => $option{password},
        config   => $option{config} // [],
    }, $class;
    return $self;
}

sub path     { return $_[0]{path} }
sub port     { return $_[0]{port} }
sub password { return $_[0]{password} }
sub pid      { return $_[0]{process}{pid} }
sub process  { return $_[0]{process} }
sub log_text { return $_[0]{process} ? $_[0]{process}->log_text : '' }

sub start {
    my ($self) = @_;
    die "$self->{name} is running" if $self->{process} && $self->{process}->is_running;
    unlink $self->{path};
    my @lines = (
        'daemonize no',
        'bind 127.0.0.1',
        'protected-mode no',
        "port $self->{port}",
        "unixsocket $self->{path}",
        'unixsocketperm 777',
        "dir $self->{dir}",
        'save ""',
        'appendonly no',
        'databases 1',
        defined $self->{password} ? "requirepass $self->{password}" : (),
        @{ $self->{config} },
    );
    my $file = Postvalve::Test::spew("$self->{dir}/redis.conf", join '', map { "$_\n" } @lines);
    $self->{process} = Postvalve::Test::start(
        cmd  => [ 'redis-server', $file ],
        name => $self->{name},
        log  => "$self->{dir}/log",
    );
    $self->_wait_ready;
    return $self;
}

sub _wait_ready {
    my ($self) = @_;
    my $is_ready = Postvalve::Test::wait_until(
        sub {
            $self->{process}->is_running or die "redis-server ended:\n" . $self->log_text;
            my $client = eval { $self->client(timeout_s => 1) } or return 0;
            my $reply = eval { $client->try_command('PING') } // return 0;
            return $reply !~ /^LOADING/;
        },
        5,
        "$self->{name} to answer"
    );
    $is_ready or die "$self->{name} does not answer\n" . $self->log_text;
    return;
}

# A new connection; options of Postvalve::RedisClient->new. over => 'tcp' uses the port.
sub client {
    my ($self, %option) = @_;
    my $is_tcp = ($option{over} // '') eq 'tcp';
    delete $option{over};
    return Postvalve::RedisClient->new(
        $is_tcp ? (port => $self->{port}) : (path => $self->{path}),
        password => $self->{password},
        %option
    );
}

# Runs a command on a connection that is kept for this.
sub command {
    my ($self, @arguments) = @_;
    return $self->_own_client->command(@arguments);
}

sub try_command {
    my ($self, @arguments) = @_;
    return $self->_own_client->try_command(@arguments);
}

sub _own_client {
    my ($self) = @_;
    $self->{client} = undef if $self->{client} && $self->{client}->is_broken;
    return $self->{client} //= $self->client;
}

sub stop {
    my ($self) = @_;
    $self->{client} = undef;
    return $self->{process} ? $self->{process}->stop : undef;
}

sub kill9 {
    my ($self) = @_;
    $self->{client} = undef;
    return $self->{process}->kill9;
}

sub restart {
    my ($self) = @_;
    $self->stop;
    return $self->start;
}

# A server that hangs: connections are accepted by the kernel, nothing answers.
sub pause  { return $_[0]{process}->send_signal('STOP') }
sub resume { return $_[0]{process}->send_signal('CONT') }

1;
