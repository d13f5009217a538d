# lookups.jq - what a shop would pick without a model: the commonest class and the mean of all garments, and those of each value of a key. Learns from the
# garments of part "train", is measured on those of part "valid"; reads predictions (frames show), writes rows of evaluate --format csv under $columns.
#
# Quantities are compared as log(1 + x) in standard deviations of the garments that were learned from; a value that they do not have gets what all of them have.
def key($k): .keys[$k] // "";
def commonest: to_entries | max_by([.value, .key]) | .key; # the last by name of those that are as common
def class_table($train; $what; value): reduce $train[] as $r ({}; .[$r | value][$r.labels[$what] | tostring] += 1) | map_values(commonest);
def mean_table($train; $what; value):
    reduce $train[] as $r ({}; ($r | value) as $v | .[$v].n += 1 | .[$v].sum += $r.log[$what]) | map_values(.sum / .n);
def row($what; $model; $n; $missing; $more):
    {"label": $what, model: $model, n: $n, missing: $missing} + $more | [.[$columns | split(",")[]]]
    | map(. // "" | tostring | if test("[\",\n]") then "\"" + gsub("\""; "\"\"") + "\"" else . end) | join(",");
def f1($pairs): # of the classes that occur, as evaluate has it
    reduce $pairs[] as [$is, $said] ({}; .[$is].actual += 1 | .[$said].said += 1 | if $is == $said then .[$is].right += 1 else . end)
    | [.[] | 2 * (.right // 0) / ((.actual // 0) + (.said // 0))] | add / length;

input as $head
| ($head.attrs.models[0].heads) as $heads
| ([inputs | select(.id != null and .part != null)
    | {part, keys, labels, log: (.labels // {} | map_values(if type == "number" then [., 0] | max + 1 | log else null end))}]) as $all
| $heads[] as $h | $h.name as $what
| [$all[] | select(.part == "valid")] as $held
| [$held[] | select(.labels[$what] != null)] as $valid
| [$all[] | select(.part == "train" and .labels[$what] != null)] as $train
| select(($train | length) > 0 and ($valid | length) > 0)
| (["majority"] + [$head.attrs.keys[]? | select(. != "date") | "lookup " + .])[] as $model
| ($model | ltrimstr("lookup ")) as $key
| (($held | length) - ($valid | length)) as $missing
| if $h.classes then
    (class_table($train; $what; "")[""]) as $common
    | (if $model == "majority" then {} else class_table($train; $what; key($key)) end) as $table
    | [$valid[] | [(.labels[$what] | tostring), ($table[key($key)] // $common)]] as $pairs
    | row($what; $model; $pairs | length; $missing;
        {accuracy: ([$pairs[] | select(.[0] == .[1])] | length / ($pairs | length)), macro_f1: f1($pairs)})
  else
    (mean_table($train; $what; "")[""]) as $mean
    | (if $model == "majority" then {} else mean_table($train; $what; key($key)) end) as $table
    | row($what; $model; $valid | length; $missing;
        {mse: ([$valid[] | ((.log[$what] - ($table[key($key)] // $mean)) / $h.std) | . * .] | add / length)})
  end
