package Postvalve::Bench;

# What the benchmark drivers share: statistics, what the kernel says of a process, tables.

use strict;
use warnings;

use Exporter 'import';
use Postvalve::Test ();

our @EXPORT_OK = qw(
    bench_program cpu_ns machine markdown_table median memory_kb percentile spread under_ulimit
);

# policy_load or baseline_policyd.
sub bench_program {
    my ($name) = @_;
    my $path = Postvalve::Test::top_builddir() . "/t/bench/$name";
    -x $path or die "$path: not built (set PV_BUILDDIR, make t/bench/$name)\n";
    return $path;
}

# A command that may open that many descriptors.
sub under_ulimit {
    my ($descriptors, @command) = @_;
    return ('sh', '-c', "ulimit -n $descriptors && exec \"\$@\"", 'sh', @command);
}

sub median {
    return percentile(0.5, @_);
}

# The value that `share` of the values do not exceed; the mean of two in the middle.
sub percentile {
    my ($share, @values) = @_;
    @values or die 'percentile of nothing';
    my @sorted = sort { $a <=> $b } @values;
    return ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2
        if $share == 0.5 && @sorted % 2 == 0;
    my $index = int($share * @sorted);
    return $sorted[ $index > $#sorted ? $#sorted : $index ];
}

# Largest divided by smallest: how steady the rounds were.
sub spread {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[0] > 0 ? $sorted[-1] / $sorted[0] : 9**9**9;
}

# CPU time of all threads of a process, in nanoseconds.
sub cpu_ns {
    my ($pid) = @_;
    my $sum = 0;
    for my $file (glob "/proc/$pid/task/*/schedstat") {
        $sum += (split ' ', Postvalve::Test::slurp($file))[0];
    }
    return $sum;
}

# (proportional, private) memory of a process in KiB.
sub memory_kb {
    my ($pid) = @_;
    my %kb = Postvalve::Test::slurp("/proc/$pid/smaps_rollup") =~ /^(\w+):\s+(\d+) kB$/mg;
    return ($kb{Pss}, $kb{Private_Clean} + $kb{Private_Dirty});
}

sub machine {
    my $cpuinfo = Postvalve::Test::slurp('/proc/cpuinfo');
    my $cores = () = $cpuinfo =~ /^processor\s*:/mg;
    my ($model) = $cpuinfo =~ /^model name\s*:\s*(.+)$/m;
    my ($release) = Postvalve::Test::slurp('/proc/sys/kernel/osrelease') =~ /(\S+)/;
    my ($load) = Postvalve::Test::slurp('/proc/loadavg') =~ /(\S+)/;
    return {
        cores       => $cores,
        model       => $model // 'unknown CPU',
        kernel      => $release,
        load_before => 0 + $load,
    };
}

# Rows of cells, the first being the heading.
sub markdown_table {
    my ($heading, @rows) = @_;
    my @width = map { length } @{$heading};
    for my $row (@rows) {
        for my $i (0 .. $#{$row}) {
            $width[$i] = length $row->[$i] if length $row->[$i] > $width[$i];
        }
    }
    my @lines = map {
        my $row = $_;
        '| ' . join(' | ', map { sprintf '%-*s', $width[$_], $row->[$_] } 0 .. $#{$row}) . " |\n";
    } $heading, @rows;
    splice @lines, 1, 0, '|' . join('|', map { '-' x ($_ + 2) } @width) . "|\n";
    return join '', @lines;
}

1;
