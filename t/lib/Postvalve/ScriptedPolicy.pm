package Postvalve::ScriptedPolicy;

# A policy server whose answers a test writes down.
#
#   my $policy = Postvalve::ScriptedPolicy->new(sub { my ($request) = @_; ... })->start;
#   ... "check_policy_service { " . $policy->service . " }" ...
#   $policy->requests;      # what was asked so far, as hashes
#
# The sub runs in a forked process, gets a hash of attributes, and returns the
# action, or undef to close the connection, or 'hang' to leave it unanswered.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Postvalve::Test ();
use Time::HiRes ();

my $count = 0;

# Options: unix => 1 for a unix socket instead of a TCP port.
sub new {
    my ($class, $handler, %option) = @_;
    my $name = 'policy' . ++$count;
    my $dir = Postvalve::Test::temp_dir($name);
    return bless {
        name    => $name,
        handler => $handler,
        record  => "$dir/requests",
        path    => $option{unix} ? "$dir/s" : undef,
        port    => $option{unix} ? undef : Postvalve::Test::free_port(),
    }, $class;
}

sub path { return $_[0]{path} }
sub port { return $_[0]{port} }
sub pid  { return $_[0]{process}{pid} }

# As check_policy_service wants it.
sub service {
    my ($self) = @_;
    return defined $self->{path} ? "unix:$self->{path}" : "inet:127.0.0.1:$self->{port}";
}

sub start {
    my ($self) = @_;
    unlink $self->{path} if defined $self->{path};
    my $listener = defined $self->{path}
        ? IO::Socket::UNIX->new(Local => $self->{path}, Listen => 128)
        : IO::Socket::INET->new(
            LocalAddr => '127.0.0.1',
            LocalPort => $self->{port},
            Listen    => 128,
            ReuseAddr => 1
        );
    $listener or die "policy: listen: $!";
    chmod 0777, $self->{path} if defined $self->{path};
    open my $record, '>>', $self->{record} or die "$self->{record}: $!";
    $record->autoflush(1);
    $self->{process} = Postvalve::Test::start(
        name => $self->{name},
        code => sub { _serve($listener, $record, $self->{handler}) },
        keep => [ $listener, $record ],
    );
    return $self;
}

sub stop  { return $_[0]{process}->stop }
sub kill9 { return $_[0]{process}->kill9 }

# A server that hangs.
sub pause  { return $_[0]{process}->send_signal('STOP') }
sub resume { return $_[0]{process}->send_signal('CONT') }

# All requests so far, oldest first: hashes of the attributes; the key "" holds the
# names in the order they came, as an array; the key "#" the number of the connection;
# the key "@" when it came, Unix milliseconds.
sub requests {
    my ($self) = @_;
    return map { JSON::PP::decode_json($_) }
        split /\n/, Postvalve::Test::slurp($self->{record});
}

sub _serve {
    my ($listener, $record, $handler) = @_;
    my $select = IO::Select->new($listener);
    my (%buffer, %number, $connections);
    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;
                $select->add($client);
                $buffer{ fileno $client } = '';
                $number{ fileno $client } = ++$connections;
                next;
            }
            my $buffer = \$buffer{ fileno $socket };
            my $is_open = sysread $socket, ${$buffer}, 65536, length ${$buffer};
            while ($is_open && ${$buffer} =~ s/\A(.*?\n)\n//s) {
                $is_open = _answer($socket, $record, $handler, $1, $number{ fileno $socket });
            }
            next if $is_open;
            $select->remove($socket);
            close $socket;
        }
    }
}

sub _answer {
    my ($socket, $record, $handler, $text, $number) = @_;
    my (%request, @names);
    for my $line (split /\n/, $text) {
        my ($name, $value) = split /=/, $line, 2;
        $request{$name} = $value;
        push @names, $name;
    }
    print {$record} JSON::PP::encode_json({
        %request, '' => \@names, '#' => $number, '@' => int(1000 * Time::HiRes::time()) }), "\n";
    my $action = $handler->(\%request);
    return 0 if !defined $action;
    return 1 if $action eq 'hang';
    return syswrite $socket, "action=$action\n\n";
}

1;
