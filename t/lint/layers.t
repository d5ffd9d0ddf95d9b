#!/usr/bin/perl
# The layers: common/ is pure, host/ knows no library but libc, and only redis/ sees hiredis. The linker says the same of what is linked; this says it of what is included.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";

# folder => headers that its files may not include
my %forbidden = (
    common  => qr{^(?:event2?/|event\.h|ares\.h|hiredis|libmilter/|sys/socket\.h|pthread\.h|time\.h|host/|redis/|view/|policyd/|milter/|ctl/)},
    host    => qr{^(?:event2?/|event\.h|ares\.h|hiredis|libmilter/|redis/|view/|policyd/|milter/|ctl/)},
    redis   => qr{^(?:event2?/|event\.h|ares\.h|libmilter/|view/|policyd/|milter/|ctl/)},
    view    => qr{^(?:event2?/|event\.h|ares\.h|hiredis|libmilter/|policyd/|milter/|ctl/)},
    policyd => qr{^(?:hiredis|libmilter/|milter/|ctl/)},
    milter  => qr{^(?:event2?/|event\.h|ares\.h|hiredis|view/|policyd/|ctl/)},
    ctl     => qr{^(?:event2?/|event\.h|ares\.h|hiredis|libmilter/|policyd/|milter/)},
);

for my $folder (sort keys %forbidden) {
    my @wrong;
    for my $file (glob "$top/$folder/*.[ch]") {
        open my $source, '<', $file or die "$file: $!";
        while (<$source>) {
            my ($header) = m{^\s*#\s*include\s*[<"]([^>"]+)} or next;
            push @wrong, "$file:$.: $header" if $header =~ $forbidden{$folder};
        }
    }
    is_deeply(\@wrong, [], "$folder includes nothing from above its layer");
}

done_testing();
