# contact.jq - the contact sheet of garments.sh. In: `frames show` of the products (their photos), then of the predictions;
# $top: the rows of the ranking; $sort: what it is by. Out: a page that needs nothing else.

# Three significant digits, commas between thousands.
def round3: if . == 0 then 0 else (. as $x | ($x | fabs | log10 | floor) as $e | pow(10; $e - 2) as $u | ($x / $u | round) * $u) end;
def commas: tostring | if test("^-?[0-9]{4,}$") then [match("^(-?)([0-9]+)$").captures[].string] as [$s, $d]
    | $s + ($d | explode | reverse | [_nwise(3)] | map(reverse | implode) | reverse | join(",")) else . end;
def number: round3 | if fabs >= 100 then round | commas else . * 1000 | round | . / 1000 | tostring end;
def percent: . * 100 | round | "\(.)%";

($top[0] | map({key: .id, value: true}) | from_entries) as $want
| (reduce (inputs | select(.id != null and $want[.id])) as $p ({}; .[$p.id] += {
      image: (.[$p.id].image // $p.image.bin),
      sure: (($p.probabilities // {}) | map_values(.f32 | max))})) as $known
| "<!doctype html>",
  "<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
  "<title>Garments by predicted \($sort | @html)</title>",
  "<style>",
  "body { font: 14px/1.4 'DejaVu Sans', 'Noto Sans KR', 'Malgun Gothic', sans-serif; color: #2b2d42; max-width: 1180px; margin: 0 auto; padding: 24px 16px }",
  "h1 { font-size: 24px; margin: 0 0 4px } p { color: #6d7788; margin: 0 0 20px }",
  "main { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: 22px 16px }",
  "figure { margin: 0; break-inside: avoid } img, .none { width: 100%; aspect-ratio: 1; object-fit: contain; background: #f1f3f6; display: block }",
  "figcaption b { display: block; margin: 6px 0 2px; overflow-wrap: anywhere } dl { display: grid; grid-template-columns: auto 1fr; gap: 0 8px; margin: 0; font-size: 13px }",
  "dt { color: #6d7788 } dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums } .seen { color: #9a6a1c; font-size: 12px }",
  "@page { size: A4; margin: 12mm } @media print { main { grid-template-columns: repeat(5, 1fr) } }",
  "</style></head><body>",
  "<h1>Garments by predicted \($sort | @html)</h1>",
  "<p>The \($top[0] | length) that promise most. A percentage is the probability that the network gives to the class. What it was trained on says so: there it may"
  + " repeat what it has seen.</p>",
  "<main>",
  ($top[0][] | . as $row | ($known[.id] // {}) as $k
    | "<figure>" + (if $k.image then
          "<img alt=\"\" src=\"data:image/\(if ($k.image | startswith("/9j")) then "jpeg" else "png" end);base64,\($k.image)\">"
          else "<div class=\"none\"></div>" end)
    + "<figcaption><b>\(.rank). \(.name // .id | @html)</b>"
    + (if .part == "train" then "<span class=\"seen\">trained on this one</span>" else "" end) + "<dl>"
    + ([del(.rank, .id, .name, .part) | to_entries[] | select(.value != null) | (.key | sub("^predicted_"; "")) as $name
        | "<dt>\($name | @html)</dt><dd>\(.value | if type == "number" then number else @html end)"
          + (if (.key | startswith("predicted_")) and $k.sure[$name] then " \($k.sure[$name] | percent)" else "" end) + "</dd>"] | join(""))
    + "</dl></figcaption></figure>"),
  "</main></body></html>"
