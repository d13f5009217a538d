# printed.awk PRINTED EXPECTED - are all lines of EXPECTED among those of PRINTED? Words the same, numbers within two percent (or two units of their last digit); a line that ends
# in "…" is the beginning of one. Prints the lines that are not there; exit status 1 then.
function number(word) { return word ~ /^[-+]?[0-9]+(\.[0-9]+)?%?,?$/ }
function alike(a, b, place, far) {
    if (a == b) return 1
    if (!number(a) || !number(b)) return 0
    far = a - b
    if (far < 0) far = -far
    place = a ~ /\./ ? 10 ^ -(length(a) - index(a, ".") - (a ~ /%/)) : 1
    return far <= 0.02 * (a < 0 ? -a : a) + 2.001 * place
}
function same(want, n, have, m, open, i) {
    if (open ? m < n : m != n) return 0
    for (i = 1; i <= n; i++) if (!alike(want[i], have[i])) return 0
    return 1
}
FNR == 1 { file++ }
!NF { next }
file == 1 { lines[++count] = $0; next }
{
    n = split($0, want)
    open = want[n] == "…"
    if (open) n--
    found = 0
    for (l = 1; l <= count && !found; l++) { m = split(lines[l], have); found = same(want, n, have, m, open) }
    if (!found) { print "not printed: " $0; bad = 1 }
}
END {
    if (bad) { print "printed:"; for (l = 1; l <= count && l <= 60; l++) print lines[l] }
    exit bad
}
