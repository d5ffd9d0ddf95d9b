package Postvalve::Dns;

# A DNS server for test zones: rbldnsd on a port of 127.0.0.1.
#
#   my $dns = Postvalve::Dns->new(zones => [
#       [ 'zen.example', 'ip4set', ":127.0.0.2:listed\n192.0.2.1\n" ],
#   ])->start;
#   $dns->queries;    # names asked for so far
#
# The dataset kinds are rbldnsd's: ip4set, ip4trie, ip6trie, dnset, generic, ...

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use Postvalve::Test ();

my $count = 0;

# Runs the test program again with a network and mounts of its own, where port 53 is free and
# resolv.conf names 127.0.0.53: what the resolver library of Postfix can be made to ask.
sub private_network {
    if (!$ENV{PV_PRIVATE_NETWORK}) {
        $ENV{PV_PRIVATE_NETWORK} = 1;
        exec '/usr/bin/unshare', '-m', '-n', '--propagation', 'private', '--', $^X, $0
            or die "unshare: $!";
    }
    my $file = Postvalve::Test::temp_dir('resolver') . '/resolv.conf';
    Postvalve::Test::spew($file, "nameserver 127.0.0.53\noptions timeout:2 attempts:1\n");
    system(qw(ip link set lo up)) == 0 or die 'ip: no loopback';
    system('mount', '--bind', $file, '/etc/resolv.conf') == 0 or die 'mount: no resolv.conf';
    Postvalve::Test::spew('/proc/sys/net/ipv4/ip_unprivileged_port_start', '0');
    return (address => '127.0.0.53', port => 53);
}

# Options: zones (array of [ zone, kind, text ]), address (127.0.0.1), port (any free
# one), ttl (seconds, 60).
sub new {
    my ($class, %option) = @_;
    my $name = 'dns' . ++$count;
    my $dir = Postvalve::Test::temp_dir($name);
    chmod 0777, $dir;    # the server refuses to run as root
    my $self = bless {
        name    => $name,
        dir     => $dir,
        address => $option{address} // '127.0.0.1',
        port    => $option{port} // Postvalve::Test::free_port(),
        ttl     => $option{ttl} // 60,
        zones   => [],
    }, $class;
    $self->_add_zone(@{$_}) for @{ $option{zones} // [] };
    return $self;
}

sub address { return $_[0]{address} }
sub port    { return $_[0]{port} }
sub pid     { return $_[0]{process}{pid} }

sub _add_zone {
    my ($self, $zone, $kind, $text) = @_;
    my $file = 'zone' . @{ $self->{zones} };
    Postvalve::Test::spew("$self->{dir}/$file", $text);
    push @{ $self->{zones} }, [ $zone, $kind, $file ];
    return;
}

sub start {
    my ($self) = @_;
    my $is_privileged = $self->{port} < 1024;    # then it changes its user itself
    $self->{process} = Postvalve::Test::start(
        cmd => [
            '/usr/sbin/rbldnsd', '-n', $is_privileged ? qw(-u nobody) : (), '-w', $self->{dir},
            '-b', "$self->{address}/$self->{port}",
            '-t', $self->{ttl}, '-c', 0, '-l', '+queries',
            map { join ':', @{$_} } @{ $self->{zones} }
        ],
        name => $self->{name},
        log  => "$self->{dir}/log",
        $is_privileged ? () : (user => 'nobody'),
    );
    my $is_ready = Postvalve::Test::wait_until(
        sub {
            $self->{process}->is_running or die "rbldnsd ended:\n" . $self->{process}->log_text;
            return defined $self->resolve('ready.invalid', 0.2);
        },
        5,
        "$self->{name} to answer"
    );
    $is_ready or die "$self->{name} does not answer\n" . $self->{process}->log_text;
    return $self;
}

sub stop    { return $_[0]{process}->stop }
sub kill9   { return $_[0]{process}->kill9 }
sub pause   { return $_[0]{process}->send_signal('STOP') }
sub resume  { return $_[0]{process}->send_signal('CONT') }

# New text for a zone, served when this returns.
sub set_zone {
    my ($self, $zone, $text) = @_;
    my ($row) = grep { $_->[0] eq $zone } @{ $self->{zones} };
    $row or die "no zone $zone";
    my $loads = () = $self->{process}->log_text =~ /zones reloaded/g;
    # A new file: the server looks at the time of change, in seconds, and the size.
    my $file = "$self->{dir}/$row->[2]";
    Postvalve::Test::spew("$file.new", $text);
    utime time + ++$self->{changes}, time + $self->{changes}, "$file.new";
    rename "$file.new", $file or die "rename $file: $!";
    $self->{process}->send_signal('HUP');
    Postvalve::Test::wait_until(
        sub {
            my $now = () = $self->{process}->log_text =~ /zones reloaded/g;
            return $now > $loads;
        },
        5,
        "$zone to be loaded"
    ) or die "$zone is not loaded\n" . $self->{process}->log_text;
    return $self;
}

# The names asked for, oldest first, without our own.
sub queries {
    my ($self) = @_;
    my $file = "$self->{dir}/queries";
    return if !-e $file;
    # time client name type class: rcode/answers/size
    return grep { $_ ne 'ready.invalid' } map { (split ' ')[2] } split /\n/,
        Postvalve::Test::slurp($file);
}

# Asks for the A records of a name: an array reference of addresses, empty when
# there are none, undef when no answer came.
sub resolve {
    my ($self, $name, $timeout_s) = @_;
    my $socket = IO::Socket::INET->new(
        Proto    => 'udp',
        PeerAddr => $self->{address},
        PeerPort => $self->{port},
    ) or die "dns: $@";
    my $id = int rand 65536;
    my $question = join('', map { pack 'C/a', $_ } split /\./, $name) . "\0" . pack('nn', 1, 1);
    $socket->send(pack('n6', $id, 0x0100, 1, 0, 0, 0) . $question) or return undef;
    IO::Select->new($socket)->can_read($timeout_s // 2) or return undef;
    defined $socket->recv(my $answer, 4096) or return undef;
    my ($answer_id, undef, undef, $answer_count) = unpack 'n4', $answer;
    return undef if $answer_id != $id;
    my $offset = 12 + length $question;
    my @addresses;
    for (1 .. $answer_count) {
        # The name of each record is a pointer or is repeated in full.
        while (ord(substr $answer, $offset, 1) && ord(substr $answer, $offset, 1) < 0xc0) {
            $offset += 1 + ord substr $answer, $offset, 1;
        }
        $offset += ord(substr $answer, $offset, 1) ? 2 : 1;
        my ($type, undef, undef, $data) = unpack 'nnNn/a', substr $answer, $offset;
        push @addresses, join '.', unpack 'C4', $data if $type == 1;
        $offset += 10 + length $data;
    }
    return \@addresses;
}

1;
