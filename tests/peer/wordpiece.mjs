// wordpiece.mjs HELPER [COUNT [DIR]]: compares weft's token ids with Hugging Face's own tokenizers. Run by hand, in a directory where
//   npm install tokenizers @huggingface/tokenizers
// was done: the first is the Rust library that BertTokenizerFast runs, the second its JavaScript sibling. HELPER is the built tests/gen/wordpiece_ids.
// COUNT (20,000) texts: words of many scripts, emoji, control characters, brackets, special tokens, very long words, random bytes. The vocabulary is made
// of the texts themselves; cased and uncased, with and without accents. Where the two differ, the Rust library counts: the JavaScript one does not see
// ideographs beyond U+FFFF. Then every assigned character alone (Hangul, ideographs and private use only at their borders): those whose category is newer
// than the Unicode 8 tables of the Rust library may differ, and are listed, and texts with them left out. With DIR, the texts and the ids of the Rust library
// are written there, for tests/unit/test_wordpiece.c (made with COUNT 500 in tests/reference/wordpiece).
import {createRequire} from "node:module";
import {spawnSync} from "node:child_process";
import {mkdirSync, mkdtempSync, writeFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";

const require = createRequire(join(process.cwd(), "x.js"));
const rust = require("tokenizers");
const js = require("@huggingface/tokenizers");
const helper = process.argv[2], COUNT = Number(process.argv[3] ?? 20000), fixture = process.argv[4];

let seed = 12345;
const random = n => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0, Math.floor(seed / 4294967296 * n));
const pick = a => a[random(a.length)];
const between = (lo, hi) => lo + random(hi - lo + 1);
const ranges = {
    hangul: [0xac00, 0xd7a3], jamo: [0x1100, 0x11ff], kana: [0x3041, 0x30ff], han: [0x4e00, 0x9fff], hanA: [0x3400, 0x4dbf], hanB: [0x20000, 0x2a6df],
    compat: [0xf900, 0xfaff], arabic: [0x600, 0x6ff], hebrew: [0x590, 0x5ff], latin: [0x61, 0x7a], upper: [0x41, 0x5a], accents: [0xc0, 0x24f],
    vietnamese: [0x1ea0, 0x1ef9], marks: [0x300, 0x36f], greek: [0x370, 0x3ff], cyrillic: [0x400, 0x4ff], thai: [0xe00, 0xe7f], devanagari: [0x900, 0x97f],
    emoji: [0x1f300, 0x1faff], symbols: [0x2000, 0x2bff], control: [0, 0x9f], ascii: [0x20, 0x7e], wide: [0xff00, 0xffef], cjkPunct: [0x3000, 0x303f],
    private: [0xe000, 0xe0ff], tags: [0xe0000, 0xe007f], any: [0, 0x10ffff],
};
const fixed = ["", " ", "[CLS]", "[MASK]", "a[SEP]b", "[[MASK]]", "[mask]", "[UNK][UNK]", "[PAD", "남성 반팔 티셔츠", "여성 가디건(블랙)", "니트 50%할인!", "メンズTシャツ",
    "夏季新款连衣裙", "قميص رجالي أبيض", "Café Été", "naïve ÀÉÎÕÜ", "👕👖🧥", "👩‍👩‍👧", "a\u0000b\u0007c", "x\ufffdy", "\ufeffBOM", "soft\u00adhyphen", "ZERO\u200bwidth", "İstanbul",
    "ΣΊΣΥΦΟΣ", "ß", "ﬁ", "Ǆ", "１２３", "a\u0301\u0323", "\u1112\u1161\u11ab\u1100\u1173\u11af", "tab\tnew\nline\rx", "\u2028\u2029\u00a0\u3000\u1680", "#", "##a", "a##b", "$1,000+", "100%",
    "a".repeat(100), "a".repeat(101), "가".repeat(100), "가".repeat(101), "[".repeat(300), "x ".repeat(400), "é".repeat(150)];
const word = name => Array.from({length: between(1, random(40) ? 9 : 130)}, () => String.fromCodePoint(scalar(...ranges[name]))).join("");
function scalar(lo, hi) {
    const c = between(lo, hi);
    return c >= 0xd800 && c <= 0xdfff ? 0x41 : c;
}
function text() {
    const names = Object.keys(ranges), out = [];
    for (let i = between(1, 8); i > 0; i--)
        out.push(random(12) ? word(random(3) ? pick(names.slice(0, 20)) : pick(names)) : pick(fixed), pick(["", " ", " ", " ", "\t", "-", "(", ") ", "/", "\u3000"]));
    return out.join("");
}
function bytes(s) {
    const b = Buffer.from(s, "utf8");
    for (let i = between(1, 6); i > 0 && b.length; i--)
        b[random(b.length)] = random(256);
    return b;
}

const texts = [...fixed.map(s => Buffer.from(s, "utf8"))];
for (let i = texts.length; i < COUNT; i++)
    texts.push(random(5) ? Buffer.from(text(), "utf8") : bytes(text()));
const borders = [0x33ff, 0x3400, 0x4dbf, 0x4dc0, 0x4dff, 0x4e00, 0x9fff, 0xa000, 0xabff, 0xac00, 0xd7a3, 0xe000, 0xf8ff, 0xf900, 0xfaff, 0x1ffff, 0x20000, 0x2a6df, 0x2a6e0,
    0x2a700, 0x2b73f, 0x2b740, 0x2b81f, 0x2b820, 0x2b91f, 0x2b920, 0x2ceaf, 0x2ceb0, 0x2f800, 0x2fa1f, 0x2fa20, 0x378, 0x10ffff];
for (let c = 0; c <= 0x10ffff; c++)
    if (borders.includes(c) || !/\p{Cn}|\p{Co}|\p{Cs}|\p{Unified_Ideograph}|[\uac00-\ud7a3]/u.test(String.fromCodePoint(c)))
        texts.push(Buffer.from(`a${String.fromCodePoint(c)}b`, "utf8"));
const repaired = texts.map(b => b.toString("utf8"));

// Characters alone and as ## pieces, and random stretches of the texts' words.
function vocabulary() {
    const set = new Set(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "A", "##B"]);
    const add = s => { if (s.trim() === s && s && !/[\n\r\t]/.test(s)) set.add(s); };
    for (let i = 0; i < COUNT; i++)
        for (const form of [repaired[i], repaired[i].normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase()])
            for (const w of form.split(/\s+/)) {
                const c = Array.from(w), at = random(c.length + 1), n = between(1, 5);
                add(c.slice(0, n).join(""));
                add("##" + c.slice(at, at + n).join(""));
                if (c.length) {
                    add(pick(c));
                    add("##" + pick(c));
                }
            }
    for (let c = 0x21; c < 0x10000 && !fixture; c += c < 0x3000 ? 1 : 7)
        if (c < 0xd800 || c > 0xf8ff) {
            add(String.fromCodePoint(c));
            if (c % 2) add("##" + String.fromCodePoint(c));
        }
    return [...set].filter(s => s !== "##" && !s.includes("\ufffd"));
}

// "1c90-1cbf 1e9e"
function runs(codes) {
    const out = [];
    for (let i = 0, k; i < codes.length; i = k) {
        for (k = i + 1; k < codes.length && codes[k] <= codes[k - 1] + 2; k++);
        out.push(codes[i].toString(16) + (k > i + 1 ? "-" + codes[k - 1].toString(16) : ""));
    }
    return out.join(" ");
}

const frame = b => { const n = Buffer.alloc(4); n.writeUInt32LE(b.length); return Buffer.concat([n, b]); };
const vocab = vocabulary();

// Texts, each a little-endian u32 of its length and its bytes, and a line of ids for each.
function keep(lower, which, theirs) {
    const name = lower ? "uncased" : "cased";
    mkdirSync(fixture, {recursive: true});
    writeFileSync(join(fixture, "vocab.txt"), vocab.map(s => s + "\n").join(""));
    writeFileSync(join(fixture, name + ".texts"), Buffer.concat(which.map(i => frame(texts[i]))));
    writeFileSync(join(fixture, name + ".ids"), which.map(i => theirs[i] + "\n").join(""));
}

async function main() {
    const ids = Object.fromEntries(vocab.map((s, i) => [s, i]));
    const dir = mkdtempSync(join(tmpdir(), "wordpiece-"));
    writeFileSync(join(dir, "vocab.txt"), vocab.map(s => s + "\n").join(""));
    const input = Buffer.concat(texts.map(frame));
    let failed = 0;
    for (const [lower, strip, chinese] of [[false, null, true], [true, null, true], [true, false, true], [false, true, true], [false, null, false]]) {
        writeFileSync(join(dir, "tokenizer_config.json"), JSON.stringify({do_lower_case: lower, strip_accents: strip, tokenize_chinese_chars: chinese}));
        const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(content =>
            ({id: ids[content], content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true}));
        const config = {version: "1.0", truncation: null, padding: null, added_tokens: special,
            normalizer: {type: "BertNormalizer", clean_text: true, handle_chinese_chars: chinese, strip_accents: strip, lowercase: lower}, pre_tokenizer: {type: "BertPreTokenizer"},
            post_processor: {type: "BertProcessing", sep: ["[SEP]", ids["[SEP]"]], cls: ["[CLS]", ids["[CLS]"]]}, decoder: null,
            model: {type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab: ids}};
        const peer = rust.Tokenizer.fromString(JSON.stringify(config)), sibling = new js.Tokenizer(config, {});
        peer.setTruncation(512);
        const ours = spawnSync(helper, [dir], {input, maxBuffer: 1 << 30}).stdout.toString().split("\n");
        const theirs = (await peer.encodeBatch(repaired)).map(x => x.getIds().join(" "));
        const alone = [];
        for (let i = COUNT; i < texts.length; i++)
            if (theirs[i] !== ours[i])
                alone.push(repaired[i].codePointAt(1));
        const newer = new Set(alone);
        let wrong = 0, siblingWrong = 0, compared = 0;
        for (let i = 0; i < COUNT; i++) {
            if (Array.from(repaired[i]).some(c => newer.has(c.codePointAt(0))))
                continue;
            compared++;
            if (theirs[i] !== ours[i] && wrong++ < 5)
                console.log(`  differs: ${JSON.stringify(repaired[i]).slice(0, 200)}\n    theirs ${theirs[i].slice(0, 150)}\n    ours   ${ours[i]?.slice(0, 150)}`);
            const js1 = sibling.encode(repaired[i]).ids;
            siblingWrong += (js1.length > 512 ? [...js1.slice(0, 511), js1.at(-1)] : js1).join(" ") !== ours[i];
        }
        if (fixture && strip === null && chinese)
            keep(lower, repaired.map((r, i) => i < COUNT && !Array.from(r).some(c => newer.has(c.codePointAt(0))) ? i : -1).filter(i => i >= 0), theirs);
        console.log(`lower ${lower}, strip_accents ${strip}, chinese ${chinese}: ${wrong} of ${compared} texts differ from the Rust library, ${siblingWrong} from the JavaScript one; ` +
            `${alone.length} of ${texts.length - COUNT} characters alone: ${runs(alone)}`);
        failed += wrong;
    }
    rmSync(dir, {recursive: true});
    process.exit(failed ? 1 : 0);
}
main();
