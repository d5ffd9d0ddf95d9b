package Postvalve::PolicyClient;

# A client of the Postfix policy delegation protocol (SMTPD_POLICY_README).
#
#   my $client = Postvalve::PolicyClient->new(path => $socket);          # or port =>
#   my $client = Postvalve::PolicyClient->new(command => [ $program ]);  # as spawn(8) does
#   my $action = $client->request(client_address => '192.0.2.1');  # undef: closed or late

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Postvalve::Test ();
use Socket ();

# What smtpd of Postfix 3.7 sends at RCPT, in its order.
my @default_attributes = (
    [ request                     => 'smtpd_access_policy' ],
    [ protocol_state              => 'RCPT' ],
    [ protocol_name               => 'ESMTP' ],
    [ client_address              => '192.0.2.1' ],
    [ client_name                 => 'mail.client.example' ],
    [ client_port                 => '40000' ],
    [ reverse_client_name         => 'mail.client.example' ],
    [ server_address              => '192.0.2.25' ],
    [ server_port                 => '25' ],
    [ helo_name                   => 'mail.client.example' ],
    [ sender                      => 'sender@client.example' ],
    [ recipient                   => 'alice@example.test' ],
    [ recipient_count             => '0' ],
    [ queue_id                    => '' ],
    [ instance                    => '4d2.67a1b2c3.8f0a1.0' ],
    [ size                        => '0' ],
    [ etrn_domain                 => '' ],
    [ stress                      => '' ],
    [ sasl_method                 => '' ],
    [ sasl_username               => '' ],
    [ sasl_sender                 => '' ],
    [ ccert_subject               => '' ],
    [ ccert_issuer                => '' ],
    [ ccert_fingerprint           => '' ],
    [ ccert_pubkey_fingerprint    => '' ],
    [ encryption_protocol         => '' ],
    [ encryption_cipher           => '' ],
    [ encryption_keysize          => '0' ],
    [ policy_context              => '' ],
);

# Options: path; or port (and host); or command (array: program and arguments, with
# options of Postvalve::Test::start in the hash `start`). timeout_s (5).
sub new {
    my ($class, %option) = @_;
    my $timeout_s = $option{timeout_s} // 5;
    my $self = bless { timeout_s => $timeout_s, buffer => '', reason => '' }, $class;
    if ($option{command}) {
        socketpair my $ours, my $theirs, Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0
            or die "socketpair: $!";
        $self->{process} = Postvalve::Test::start(
            cmd   => $option{command},
            stdio => $theirs,
            %{ $option{start} // {} }
        );
        close $theirs;
        $ours->blocking(0);
        $self->{socket} = $ours;
        return $self;
    }
    my $socket = defined $option{path}
        ? IO::Socket::UNIX->new(Peer => $option{path}, Timeout => $timeout_s)
        : IO::Socket::INET->new(
            PeerAddr => $option{host} // '127.0.0.1',
            PeerPort => $option{port},
            Timeout  => $timeout_s
        );
    $socket or die 'policy: connect: ' . ($@ || $!) . "\n";
    $socket->blocking(0);
    $self->{socket} = $socket;
    return $self;
}

# The process behind it, with `command`.
sub process { return $_[0]{process} }

# '' while open, else why there was no answer: closed, reset, timeout.
sub reason { return $_[0]{reason} }

sub attribute_names { return map { $_->[0] } @default_attributes }

# The bytes of a request: the default attributes, changed by the given ones (undef
# removes one), unknown names at the end.
sub format_request {
    my (%change) = @_;
    my $text = '';
    for my $attribute (@default_attributes) {
        my ($name, $value) = @{$attribute};
        if (exists $change{$name}) { $value = delete $change{$name} }
        $text .= "$name=$value\n" if defined $value;
    }
    $text .= "$_=$change{$_}\n" for sort grep { defined $change{$_} } keys %change;
    return "$text\n";
}

# One request, one answer: the text after "action=".
sub request {
    my ($self, %change) = @_;
    $self->send_raw(format_request(%change)) or return undef;
    return $self->read_action;
}

sub send_raw {
    my ($self, $bytes) = @_;
    return 0 if !$self->{socket};
    my $end_s = Postvalve::Test::now_s() + $self->{timeout_s};
    my $select = IO::Select->new($self->{socket});
    while (length $bytes) {
        my $written = syswrite $self->{socket}, $bytes;
        if (defined $written) { substr $bytes, 0, $written, ''; next }
        if (!$!{EAGAIN} && !$!{EINTR}) { $self->{reason} = 'closed'; return 0 }
        my $left_s = $end_s - Postvalve::Test::now_s();
        if ($left_s <= 0) { $self->{reason} = 'timeout'; return 0 }
        $select->can_write($left_s);
    }
    return 1;
}

# The next answer; undef when the server closed or the time is over.
sub read_action {
    my ($self, $timeout_s) = @_;
    my $end_s = Postvalve::Test::now_s() + ($timeout_s // $self->{timeout_s});
    while (1) {
        if ($self->{buffer} =~ s/\A(.*?)\n\n//s) {
            my $answer = $1;
            return $1 if $answer =~ /\Aaction=([^\n]*)\z/;
            die "policy: not an answer: $answer\n";
        }
        $self->_fill($end_s - Postvalve::Test::now_s()) or return undef;
    }
}

# Whether the server ends the connection within the time.
sub is_closed {
    my ($self, $timeout_s) = @_;
    my $end_s = Postvalve::Test::now_s() + ($timeout_s // 0);
    while (1) {
        return 1 if !$self->{socket} || $self->{is_gone};
        my $left_s = $end_s - Postvalve::Test::now_s();
        $self->_fill($left_s > 0 ? $left_s : 0) and next;
        return $self->{is_gone} ? 1 : 0;
    }
}

sub _fill {
    my ($self, $timeout_s) = @_;
    return 0 if $self->{is_gone} || !$self->{socket};
    my $end_s = Postvalve::Test::now_s() + $timeout_s;
    my $select = IO::Select->new($self->{socket});
    while (1) {
        my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
        return 1 if $got;
        if (defined $got || (!$!{EAGAIN} && !$!{EINTR})) {
            $self->{reason} = defined $got ? 'closed' : $!{ECONNRESET} ? 'reset' : "$!";
            $self->{is_gone} = 1;
            return 0;
        }
        my $left_s = $end_s - Postvalve::Test::now_s();
        if ($left_s <= 0) { $self->{reason} = 'timeout'; return 0 }
        $select->can_read($left_s);
    }
}

# Ends our side of the connection: end of file for the server, answers still arrive.
sub shutdown_write {
    my ($self) = @_;
    return shutdown $self->{socket}, 1;
}

sub close {
    my ($self) = @_;
    my $socket = delete $self->{socket} or return;
    close $socket;
    return;
}

1;
