# page.awk - the manual page of a pipeline in mdoc(7), from its usage text.
#
#   awk -v name=forecast -v date="1 January 2026" -v summary="..." -f page.awk usage
#
# Usage lines are the synopsis; lines that begin with an option are OPTIONS, what is indented further belongs to them; lines after "Examples:" are EXAMPLES; the
# rest is the description, indented lines as they stand.
function plain(s) { gsub(/\\/, "\\e", s); return s ~ /^[.']/ ? "\\&" s : s }
function literal(on) {
    if (on && !lit) text = text ".Bd -literal\n"
    if (!on && lit) text = text ".Ed\n"
    lit = on
}
/^(usage:|      ) weft / && !described { sub(/^(usage:)? +/, ""); synopsis = synopsis plain($0) "\n"; next }
{ described = 1 }
/^Examples?:/ { literal(0); part = "examples"; next }
part == "examples" { sub(/^  /, ""); if ($0 != "") examples = examples plain($0) "\n"; next }
/^  +(-[a-zA-Z], )?--[a-z]/ || /^  -[a-zA-Z], / {
    literal(0)
    part = "options"
    line = $0; sub(/^ +/, "", line)
    at = match(line, /   *[^ ]/)
    head = at ? substr(line, 1, at - 1) : line
    said = at ? substr(line, at) : ""
    sub(/^ +/, "", said)
    # "--normal TEXT (default: x)": what follows the value is said of it.
    if (!at && match(head, / \(/)) { said = substr(head, RSTART + 1); head = substr(head, 1, RSTART - 1) }
    head = plain(head)
    gsub(/-/, "\\-", head)
    options = options ".It " head "\n" (said == "" ? "" : plain(said) "\n")
    next
}
part == "options" && /^   / { line = $0; sub(/^ +/, "", line); options = options plain(line) "\n"; next }
/^ / { part = "text"; literal(1); text = text plain($0) "\n"; next }
/^$/ { literal(0); if (text != "" && text !~ /\.Pp\n$/) text = text ".Pp\n"; part = "text"; next }
{ part = "text"; literal(0); text = text plain($0) "\n" }
END {
    literal(0)
    sub(/(\.Pp\n)+$/, "", text)
    gsub(/\.Pp\n\.Bd/, ".Bd", text)
    gsub(/\.Ed\n\.Pp\n/, ".Ed\n.Pp\n", text)
    printf ".Dd %s\n.Dt WEFT-%s 1\n.Os weft\n.Sh NAME\n.Nm weft-%s\n.Nd %s\n", date, toupper(name), name, summary
    printf ".Sh SYNOPSIS\n.Bd -literal -compact\n%s.Ed\n.Sh DESCRIPTION\n%s", synopsis, text
    if (options != "") printf ".Sh OPTIONS\n.Bl -tag -width Ds\n%s.El\n", options
    if (examples != "") printf ".Sh EXAMPLES\n.Bd -literal\n%s.Ed\n", examples
    print ".Sh SEE ALSO\n.Xr weft 1 ,\n.Xr weft-exit 1"
}
