package Postvalve::MilterClient;

# The MTA's side of the milter protocol, for what a real Postfix never says.
#
#   my $mta = Postvalve::MilterClient->new($milter->endpoint);
#   $mta->negotiate;
#   is $mta->connect('192.0.2.1', '{daemon_port}' => 25), 'c';
#
# Replies are the reply letter and its data; '' when the milter closed the connection, undef at
# the deadline.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Postvalve::Test ();

use constant {
    VERSION          => 6,
    ALL_ACTIONS      => 0x1ff,
    ALL_STEPS        => 0x1fffff,
    ACTION_SYMLIST   => 0x100,
    STEP_RCPT_REJ    => 0x800,
    STEP_NOT_HEADERS => 0x20,
    STEP_NOT_BODY    => 0x10,
    STEP_NR_ANY      => 0xff080,
};

sub new {
    my ($class, %endpoint) = @_;
    my $socket = exists $endpoint{path}
        ? IO::Socket::UNIX->new(Peer => $endpoint{path})
        : IO::Socket::INET->new(PeerAddr => $endpoint{host}, PeerPort => $endpoint{port});
    $socket or die "milter: connect: $!";
    return bless { socket => $socket, buffer => '' }, $class;
}

sub send_raw {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    return syswrite $self->{socket}, $bytes;
}

sub send_packet {
    my ($self, $letter, $data) = @_;
    return $self->send_raw(pack 'N a a*', 1 + length $data, $letter, $data);
}

sub read_packet {
    my ($self, $deadline_s) = @_;
    my $end_s = Postvalve::Test::now_s() + ($deadline_s // 5);
    my $select = IO::Select->new($self->{socket});
    while (1) {
        if (length $self->{buffer} >= 4) {
            my $length = unpack 'N', $self->{buffer};
            if (length $self->{buffer} >= 4 + $length) {
                my $packet = substr $self->{buffer}, 0, 4 + $length, '';
                return substr $packet, 4;
            }
        }
        my $left_s = $end_s - Postvalve::Test::now_s();
        return undef if $left_s <= 0 || !$select->can_read($left_s);
        my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
        return '' if !$got;
    }
}

sub command {
    my ($self, $letter, $data) = @_;
    $self->send_packet($letter, $data // '');
    return $self->read_packet;
}

# What the milter wants: { version, actions, steps, macros => { stage number => text } }.
sub negotiate {
    my ($self, %option) = @_;
    my $reply = $self->command('O', pack 'N3', $option{version} // VERSION,
        $option{actions} // ALL_ACTIONS, $option{steps} // ALL_STEPS) // return undef;
    my ($letter, $version, $actions, $steps, $rest) = unpack 'a N3 a*', $reply;
    my %macros = $rest =~ /(....)([^\0]*)\0/gs;
    return {
        letter  => $letter,
        version => $version,
        actions => $actions,
        steps   => $steps,
        macros  => { map { unpack('N', $_) => $macros{$_} } keys %macros },
    };
}

sub macros {
    my ($self, $letter, %macro) = @_;
    return $self->send_packet('D', $letter . join '', map { "$_\0$macro{$_}\0" } sort keys %macro);
}

sub connect {
    my ($self, $address, %macro) = @_;
    $self->macros('C', %macro) if %macro;
    my $family = !defined $address ? 'U' : $address =~ m{^/} ? 'L' : $address =~ /:/ ? '6' : '4';
    my $rest = defined $address ? pack('n', 40000) . "$address\0" : '';
    return $self->command('C', "[host]\0$family$rest");
}

sub helo { return $_[0]->command('H', "client.example\0") }

sub mail {
    my ($self, %macro) = @_;
    $self->macros('M', %macro) if %macro;
    return $self->command('M', "<sender\@client.example>\0");
}

sub rcpt {
    my ($self, %macro) = @_;
    $self->macros('R', %macro) if %macro;
    return $self->command('R', "<alice\@example.test>\0");
}

sub data { return $_[0]->command('T') }
sub end_of_message { return $_[0]->command('E') }

# No reply to these.
sub abort { return $_[0]->send_packet('A', '') }
sub quit  { return $_[0]->send_packet('Q', '') }
sub quit_for_next { return $_[0]->send_packet('K', '') }

sub close {
    my ($self) = @_;
    close $self->{socket};
    return;
}

1;
