package Postvalve::Http;

# HTTP as a browser speaks it, and as it should not be spoken.
#
#   my $http = Postvalve::Http->new(port => $port);      # or path => unix socket
#   my $answer = $http->get('/api/status');   # { status, headers, body, json }
#   my $answer = $http->send("GET / HTTP/1.0\r\n\r\n");  # undef: closed without an answer
#   my $socket = $http->connect;

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Postvalve::Test ();

use constant DEADLINE_S => 30;

sub new {
    my ($class, %option) = @_;
    return bless {%option}, $class;
}

sub url { my ($self, $path) = @_; return "http://127.0.0.1:$self->{port}$path" }

sub connect {
    my ($self) = @_;
    my $socket = defined $self->{path}
        ? IO::Socket::UNIX->new(Peer => $self->{path})
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => DEADLINE_S);
    return $socket // die "http: $!";
}

# All that comes until the other side closes, or until $is_enough->($bytes).
sub read_all {
    my ($self, $socket, $is_enough) = @_;
    my $end_s = Postvalve::Test::now_s() + DEADLINE_S;
    my $bytes = '';
    while (1) {
        return $bytes if $is_enough && $is_enough->($bytes);
        my $left_s = $end_s - Postvalve::Test::now_s();
        die "http: no end of the answer:\n$bytes" if $left_s <= 0 || !IO::Select->new($socket)->can_read($left_s);
        my $got = sysread $socket, $bytes, 65536, length $bytes;
        return $bytes if !$got;
    }
}

sub parse {
    my ($self, $bytes, $is_head) = @_;
    my ($status, $head, $rest) = $bytes =~ m{\AHTTP/1\.1 (\d{3}) [^\r\n]+\r\n(.*?)\r\n\r\n(.*)\z}s or return;
    my %headers = map { /\A([^:]+): (.*)\z/ ? (lc $1 => $2) : () } split /\r\n/, $head;
    my $length = $is_head ? 0 : $headers{'content-length'};
    return if length $rest < $length;
    my $answer = { status => $status, headers => \%headers, body => substr($rest, 0, $length), rest => substr($rest, $length) };
    $answer->{json} = eval { JSON::PP->new->utf8->decode($answer->{body}) }
        if $headers{'content-type'} eq 'application/json';
    return $answer;
}

# The answer to whatever bytes; a client that is cut off while it sends counts as closed.
sub send {
    my ($self, $bytes, %option) = @_;
    my $socket = $self->connect;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $bytes;
    shutdown $socket, 1 if $option{end};
    my $answer = $self->parse(
        $self->read_all($socket, sub { $self->parse($_[0], $option{head}) }), $option{head});
    if ($answer) { $answer->{is_closed} = !defined $self->_peek($socket) if $option{closed} }
    return $answer;
}

# undef: the other side has closed.
sub _peek {
    my ($self, $socket) = @_;
    IO::Select->new($socket)->can_read(5) or return '';
    my $got = sysread $socket, my $byte, 1;
    return $got ? $byte : undef;
}

sub get {
    my ($self, $path, %option) = @_;
    my $host = $option{host} // 'localhost';
    my $method = $option{method} // 'GET';
    return $self->send("$method $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n",
        head => $method eq 'HEAD');
}

1;
