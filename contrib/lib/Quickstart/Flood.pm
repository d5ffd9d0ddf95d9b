package Quickstart::Flood;

# One run of smtp_flood: the clients, and what they report.
#
#   my $flood = Quickstart::Flood->new(name => ..., port => ..., seconds => ..., groups => [...]);
#   $flood->each_second(sub { my ($second) = @_; $second->{groups}{silent}{hung_up_421} ... });
#   $flood->summary->{groups}
#
# Addresses: good senders 127.10.0.1 ff., silent bots 127.20.0.1 ff., guessing bots 127.30.0.1 ff.

use strict;
use warnings;

use JSON::PP ();
use Postvalve::Test ();

use constant {
    GOOD_ADDRESSES => 20,
    GOOD_FIRST     => '127.10.0.1',
    GOOD_LAST      => '127.10.0.20',
    GOOD_RATE      => 6,
    SILENT_BOTS    => 300,
    GUESSING_BOTS  => 150,
};

my @floods;

sub good_addresses { return (GOOD_FIRST, GOOD_LAST) }
sub good_count     { return GOOD_ADDRESSES }
sub bot_count      { return SILENT_BOTS + GUESSING_BOTS }

sub _good {
    return {
        kind          => 'good',
        first_address => GOOD_FIRST,
        addresses     => GOOD_ADDRESSES,
        rate          => GOOD_RATE,
        @_,
    };
}

# Five accepted messages from each good sender.
sub first_mail {
    return [ _good(name => 'good', rate => 60, arrivals => 'steady', messages => 5 * GOOD_ADDRESSES) ];
}

# Good mail all the time, counted apart before and after the bots come, $calm_s after the start.
sub good_mail_under_attack {
    my ($calm_s) = @_;
    return [
        _good(name => 'calm', stop_s => $calm_s),
        _good(name => 'good', start_s => $calm_s),
        {
            kind          => 'silent',
            first_address => '127.20.0.1',
            addresses     => SILENT_BOTS,
            start_s       => $calm_s,
        },
        {
            kind          => 'guess',
            first_address => '127.30.0.1',
            addresses     => GUESSING_BOTS,
            start_s       => $calm_s,
        },
    ];
}

# Options: name, port, seconds, within_s, groups.
sub new {
    my ($class, %option) = @_;
    my $name = delete $option{name};
    $option{$_} += 0 for qw(port seconds within_s);    # numbers, for JSON::PP
    my $dir  = Postvalve::Test::temp_dir('flood');
    my $file = Postvalve::Test::write_json("$dir/$name.json", \%option);
    pipe my $reader, my $writer or die "pipe: $!";
    my $process = Postvalve::Test::start(
        cmd => [ Postvalve::Test::top_builddir() . '/t/bench/flood/smtp_flood', '--scenario', $file ],
        name   => "flood-$name",
        stdout => $writer,
    );
    close $writer;
    my $self = bless { name => $name, process => $process, reader => $reader }, $class;
    push @floods, $self;
    return $self;
}

sub stop_all {
    $_->{process}->stop for @floods;
    return;
}

# Calls the block for each second, with the groups by name; returns at the end of the run.
sub each_second {
    my ($self, $block) = @_;
    my $json = JSON::PP->new;
    while (defined(my $line = readline $self->{reader})) {
        my $report = $json->decode($line);
        if ($report->{summary}) { $self->{summary} = $report->{summary}; next }
        my %by_name = map { $_->{name} => $_ } @{ $report->{groups} };
        $block->({ second => $report->{second}, groups => \%by_name });
    }
    my $status = $self->{process}->wait_exit(5);
    return if $self->{summary} && defined $status && $status == 0;
    die "smtp_flood failed:\n" . $self->{process}->log_text . "\n";
}

sub summary { return $_[0]{summary} }

1;
