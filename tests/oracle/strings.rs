//! The strings for the tests: a list of known traps, random changes of them, and random strings.

use std::collections::BTreeSet;

/// Words and forms that YAML 1.1 or a YAML parser does not treat as a string.
#[rustfmt::skip] // one a line would be pages
const TRAPS: &[&str] = &[
    // Null, and what is read as null.
    "", "~", "null", "Null", "NULL", "nUll", "none", "None", "nil", "undefined",
    // Booleans.
    "true", "True", "TRUE", "tRue", "false", "False", "FALSE", "fAlse", "y", "Y", "n", "N", "yes", "Yes", // typos:ignore
    "YES", "yEs", "no", "No", "NO", "nO", "on", "On", "ON", "oN", "off", "Off", "OFF", "oFF", "t", "f", "T",
    "F",
    // Numbers of all bases.
    "0", "-0", "+0", "00", "1", "-1", "+1", "01", "007", "0777", "0o777", "0O17", "-0777", "+0o7", "08",
    "09", "0_7", "0x1F", "0X1F", "0xff", "-0x1", "+0x1", "0x", "0x_1F", "0xG", "0b1", "0B1", "0b1010_0111",
    "0b-1", "-0b1", "+0b11", "0b2", "0b", "0o", "0o8", "1_000", "1__0", "1_", "_1", "_", "__", "8_.2",
    "1_0.5", "685_230.15", ".1_0", "1._0", "1e5_0", "-1_000", "1,000", "1 000", "12345678901234567890",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "1e3", "1E3", "1e+3", "1e-3", "1.e3", ".5", "-.5",
    "+.5", "5.", "1.", ".", "..", "1.0", "1.10", "1.5e3", "1e400", "-1e400", "1e-400", "1e", "e1", "1.2.3",
    "1.2.3.4", "0.1e1", "0x1p3", "0x1.8p1", "1d", "1f", "1L", "0xdeadBEEF", "0xcafe_babe", "1e0", "12e03",
    "-2E+05", "685.230_15e+03",
    // Sexagesimal, dates, times.
    "190:20:30", "12:30:45", "12:30", "1:1", "-190:20:30", "190:20:30.15", "0:0", "60:60", "2001-01-01",
    "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2001-12-15T02:59:43.1Z",
    "2001-12-15 2:59:43.10", "20:03:20", "2001-01", "0001-01-01", "2001-02-30",
    // Names of floats that are strings.
    ".inf", ".Inf", ".INF", "-.inf", "+.inf", "-.Inf", "inf", "Inf", "-inf", "Infinity", "-Infinity",
    ".nan", ".NaN", ".NAN", "nan", "NaN",
    // Merge, default, tags, anchors, aliases, directives, document ends, comments.
    "<<", "<", "<<:", "=", "==", "!", "!!", "!!str", "!!str a", "!!binary aGk=", "!!int 1", "!foo",
    "!<tag:x>", "! a", "&a", "& a", "&", "*a", "* a", "*", "**", "%", "%YAML 1.1", "%TAG ! tag:x", "---",
    "--- a", "---a", "----", "-- ", "--", "...", "... a", "....", "#", "# a", "#a", "a #b", "a # b", "a#b",
    " #", "a #", "a\t# b", "a\n# b", "\n#", "a\n---\nb", "a\n...\nb", "---\na: b", "\n---\n", "a\n--- \nb",
    "a\n\n---", "...\n", "---\n",
    // Indicators and flow.
    "-", "- ", "- a", "-a", "- - a", "?", "? ", "? a", "?a", ":", ": ", ": a", ":a", "a:", "a: ", "a: b",
    "a:b", "a :b", "a : b", "::", "a::b", ",", ", a", "a, b", "[", "]", "[]", "[a]", "[a, b]", "{", "}",
    "{}", "{a}", "{a: b}", "{a: b", "a: {b", "[[[", "{{", "}}", "{{ .Values.x }}", "{{- if }}", "${x}",
    "$(X)", "$$", "@", "@a", "`", "`a`", "|", "| a", "|-", "|+", "|2", "|2-", ">", ">-", ">+", "> a", ">2",
    "a: |", "a: >\n  b", "\"", "'", "\"\"", "''", "'a'", "\"a\"", "'a", "a'", "a'b", "\"a", "a\"b", "'\"",
    "\"'", "\\", "\\\\", "\\n", "\\\"", "a\\", "\\x41", "\\u0041", "\\U0001F600", "\\0", "\\ ", "\\\n",
    "a\\\nb", "%41", "&amp;", "<a>", "a&b", "a*b", "a!b", "a%b", "a@b", "a`b", "a|b", "a>b", "~a", "a~",
    "~/x", "/", "//", "http://a:80/b?c=d#e",
    // Blanks.
    " ", "  ", "   ", "\t", "\t\t", " \t", "\t ", " a", "a ", " a ", "  a", "a  ", "\ta", "a\t", "\ta\t",
    " \ta", "a \t", "a\tb", "a b", "a  b", "a\t\tb", "a: \t", "- \t", "\u{a0}", "\u{a0}a", "a\u{a0}",
    "\u{3000}", "\u{2003}a", "\u{200b}", "\u{200b}a", "\u{2060}", "\u{ad}", "\u{1680}",
    // Line ends.
    "\n", "\n\n", "\n\n\n", "a\n", "a\n\n", "a\n\n\n", "\na", "\n\na", "\n a", "\n  a", "\n\n  a\n", "a\nb",
    "a\nb\n", "a\nb\n\n", "a\n\nb", "a\n\n\nb\n", "a\n b", "a\n  b\n", " a\nb", "  a\nb\n", " a\n b",
    "   a\n b\n", "a \nb", "a\n b \n", "a\n ", "a\n  ", "a\n \n", "a\n\n ", " \n", "  \n", " \na", "  \na",
    "  \n a", "   \n  a", "\n \na", "\n   \n a\n", " \n \n", "\n ", "\n  ", "\n \n  \n", "\t\n", "\n\t",
    "\n\ta", "\t\na", "\ta\nb", " \ta\nb", "\n \ta", "\n\n\t\n", "a\n\t", "a\n\tb", "a\n\tb\n", "a\n\t\n",
    "a\n\t\nb", "a\t\nb", "a\n \tb", "a\n\n\tb\n", "\n\t\n a", "  \n\ta", "\r", "\r\n", "\n\r", "a\r",
    "a\r\n", "a\rb", "a\r\nb", "a\r\nb\r\n", "\ra", "\r\na", "a\r\r\n", "a\n\rb", "a\r\n\r\nb", "\u{85}",
    "a\u{85}b", "a\u{85}", "\u{85}a", "\u{2028}", "a\u{2028}b", "a\u{2028}", "\u{2028}a", "\u{2029}",
    "a\u{2029}b", "a\u{2029}\n", "a\u{85}\nb", "a\n\u{85}b", "a\n\u{2028}b\n", "\u{b}", "a\u{b}b", "\u{c}",
    "a\u{c}b", "a\n\u{c}b", "\u{1c}", "\u{1d}", "\u{1e}", "- a\n- b", "a: b\nc: d\n", "# a\nb", "|\n a",
    "key: |\n  text\n", "\"a\nb\"", "'a\nb'", "{a: b\n}", "#!/bin/sh\nset -e\n", "a:\n- b\n", "? a\n: b",
    "a\n: b", "on\n", "1\n", "\n1", "null\n", "~\n", "<<\n", "y\n\n", "=\n", "2001-01-01\n", "0777\n",
    "1_000\n\n", "-\n", "?\n", ":\n", "!a\n", "&a\n", "*a\n", "%a\n", "@a\n", "[\n",
    // Control characters, Unicode.
    "\0", "a\0b", "\u{1}", "\u{7}", "\u{8}", "\u{1b}", "\u{1b}[31mred\u{1b}[0m", "\u{1f}", "\u{7f}",
    "a\u{7f}b", "\u{80}", "\u{84}", "\u{86}", "\u{9f}", "\u{feff}", "\u{feff}a", "a\u{feff}", "a\u{feff}b",
    "\u{feff}\u{feff}", "\n\u{feff}", "\u{fffd}", "\u{fffe}", "\u{ffff}", "\u{d7ff}", "\u{e000}",
    "\u{f8ff}", "\u{10000}", "\u{1f600}", "a\u{1f600}b", "\u{1f468}\u{200d}\u{1f469}", "\u{1fffe}",
    "\u{1ffff}", "\u{10ffff}", "\u{10fffe}", "e\u{301}", "\u{301}", "é", "ß", "ſ", "İ", "ı", "ñ", "日本語",
    "可用性セット名", "\u{202e}abc", "\u{200f}", "\u{61c}", "ﬀ", "Ａ", "０", "¼", "٣", "·", "¡", "＃ a", "：", "－",
    "“a”", "‘a’", "…", "—",
    // Words of Kubernetes, and forms of YAML.
    "apiVersion: v1\nkind: Service\n", "{\"a\": 1}", "[1, 2]", "100m", "1Gi", "0.5", "1e3Mi", "10%", "5s",
    "1h30m", "8080:80", "10.0.0.0/8", "::1", "fe80::1%eth0", "azure-load-balancer-mode: \"{x}\"",
    "*.example.com", "@daily", "*/5 * * * *", "v1.2", "1.20", "sha256:0e1", "00e1", "6e5", "123e4567",
    "12e4", "0e0", "5e1",
];

/// Alphabets, each for one kind of mistake of a writer or parser.
const ALPHABETS: &[&str] = &[
    "0123456789_.eE+-xXoObB:",
    "01_.-:tTzZ ",
    "yYnNoOfFtTeErRuUsSaAlLiI~.",
    "-?:,[]{}#&*!|>'\"%@`\\ =<~\n a",
    " \t\nab",
    " \n\t#-:ab'\"",
    " \r\n\u{85}\u{2028}\u{2029}\u{b}\u{c}\tab",
    "\\\"'nxuU0 \na",
    "\0\u{1}\u{7}\u{8}\u{b}\u{e}\u{1b}\u{1f}\u{7f}\u{80}\u{9f}\u{a0}\u{ad}\u{200b}\u{feff}\u{fffd}\u{ffff} a\n",
    "aéß日\u{1f600}\u{10ffff}\u{301}\u{202e} :#-\n",
];

/// xorshift64* with a fixed seed: the same strings on every machine, in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn text_of(&mut self, alphabet: &[char], longest: usize) -> String {
        (0..=self.below(longest)).map(|_| self.one_of(alphabet)).collect()
    }

    fn any_text(&mut self) -> String {
        (0..=self.below(12))
            .map(|_| char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap()).unwrap_or('x'))
            .collect()
    }

    /// Returns a known trap with text before it, after it or in it, or with an additional line.
    fn changed_trap(&mut self) -> String {
        let (trap, other) = (self.one_of(TRAPS), self.one_of(TRAPS));
        let character = self.one_of(&self.alphabet());
        match self.below(7) {
            0 => format!("{trap}{other}"),
            1 => format!("{trap} {other}"),
            2 => format!("{trap}\n{other}"),
            3 => format!("{trap}: {other}"),
            4 => format!("{character}{trap}"),
            5 => format!("{trap}{character}"),
            _ => trap.chars().rev().collect(),
        }
    }

    fn alphabet(&self) -> Vec<char> {
        let index = usize::try_from(self.0 % u64::try_from(ALPHABETS.len()).unwrap()).unwrap();
        ALPHABETS[index].chars().collect()
    }

    /// Returns lines with random indentation and line ends.
    fn lines(&mut self) -> String {
        (0..=self.below(6)).fold(String::new(), |mut text, _| {
            text.push_str(self.one_of(&["", "", " ", "  ", "    ", "\t", " \t"]));
            text.push_str(
                self.one_of(&[
                    "", "a", "a: b", "- a", "# a", "---", "...", "|", "'", "\"", "a ", "a\t", "on",
                ]),
            );
            text.push_str(self.one_of(&["\n", "\n", "\n", "\n\n", "", " \n", "\r\n", "\u{2028}"]));
            text
        })
    }
}

/// Returns long strings: they must not be folded, and a line may exceed the buffer of a parser.
fn long() -> impl Iterator<Item = String> {
    [79_usize, 80, 81, 120, 128, 1023, 1024, 1025, 4096, 70_000].into_iter().flat_map(|length| {
        [
            "a".repeat(length),
            "a ".repeat(length / 2),
            format!("{} ", "a b ".repeat(length / 4)),
            format!("{}\n{}", "a".repeat(length), "b ".repeat(length / 2)),
            format!("{}\n", "word ".repeat(length / 5)),
            "é".repeat(length / 2),
            "\n".repeat(length.min(1100)),
            " ".repeat(length),
            "\"'".repeat(length / 2),
        ]
    })
}

/// Returns distinct strings: all traps, the long ones, and random ones up to `count`.
pub fn strings(count: usize) -> Vec<String> {
    let mut random = Random::new(0x6c61_7267_6573_6361);
    let mut strings: BTreeSet<String> = TRAPS.iter().map(|&trap| trap.to_owned()).chain(long()).collect();
    for base in TRAPS.iter().take(130) {
        strings.extend([
            format!(" {base}"),
            format!("{base} "),
            format!("{base}\n"),
            format!("\n{base}"),
            format!("-{base}"),
            base.to_uppercase(),
        ]);
    }
    assert!(strings.len() < count);
    while strings.len() < count {
        let alphabet: Vec<char> = random.one_of(ALPHABETS).chars().collect();
        strings.insert(match random.below(6) {
            0 | 1 => random.text_of(&alphabet, 12),
            2 => random.changed_trap(),
            3 => random.lines(),
            4 => random.text_of(&alphabet, 60),
            _ => random.any_text(),
        });
    }
    strings.into_iter().collect()
}

/// Returns distinct strings that are valid label values in Kubernetes; those that are not empty are also valid
/// keys.
pub fn label_strings(count: usize) -> Vec<String> {
    let mut random = Random::new(0x6c61_6265_6c73);
    let mut strings: BTreeSet<String> =
        TRAPS.iter().filter(|trap| is_label(trap)).map(|&trap| trap.to_owned()).collect();
    let alphabets: Vec<Vec<char>> = [
        "0123456789_.eE-xXoObB",
        "01_-.xb",
        "0123456789.e-",
        "yYnNoOfFtTeErRuUsSaAlLiI.-_",
        "0123456789abcdefx",
        "abcXYZ019-_.",
    ]
    .iter()
    .map(|alphabet| alphabet.chars().collect())
    .collect();
    while strings.len() < count {
        let alphabet = &alphabets[random.below(alphabets.len())];
        let length = random.one_of(&[4, 8, 8, 20, 62]);
        strings.insert(random.text_of(alphabet, length));
        strings.retain(|text| is_label(text));
    }
    strings.into_iter().collect()
}

/// Implements Kubernetes' rule for label values.
fn is_label(text: &str) -> bool {
    let ends = |at: Option<char>| at.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
