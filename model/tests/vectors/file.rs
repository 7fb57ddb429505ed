//! Files of vectors: rows of paragraphs of lines.

use std::fmt;

use model::policy::PRESETS;

/// A file, with everything that is needed to write it again.
pub struct File {
    /// Comments before the first row.
    head: Vec<String>,
    pub rows: Vec<Row>,
}

/// One row.
pub struct Row {
    pub id: String,
    /// The line that begins it.
    header: String,
    /// Under which policies it is run.
    pub policies: Vec<String>,
    pub paragraphs: Vec<Paragraph>,
}

/// Inputs, and what they are to lead to.
#[derive(Default)]
pub struct Paragraph {
    /// Comments and inputs, each with its number in the file.
    pub lines: Vec<(usize, String)>,
    /// None: whatever it may be.
    pub expected: Option<Vec<String>>,
}

/// Between inputs and what is expected of them.
const RULE: &str = "----";
/// What is expected where nothing happens.
pub const NOTHING: &str = "(nothing)";

impl File {
    pub fn parse(name: &str, text: &str) -> Result<File, String> {
        let mut file = File { head: Vec::new(), rows: Vec::new() };
        let mut paragraph = Paragraph::default();
        for (number, line) in (1..).zip(text.lines()) {
            let at = |what: String| format!("{name}:{number}: {what}");
            let line = line.trim_end();
            if let Some(header) = line.strip_prefix("row ") {
                file.end(&mut paragraph);
                file.rows.push(Row::parse(header).map_err(at)?);
            } else if line.is_empty() {
                file.end(&mut paragraph);
            } else if line == RULE {
                paragraph.expected = Some(Vec::new());
            } else if let Some(expected) = &mut paragraph.expected {
                expected.push(line.to_owned());
            } else if !file.rows.is_empty() {
                paragraph.lines.push((number, line.to_owned()));
            } else if line.starts_with('#') {
                file.head.push(line.to_owned());
            } else {
                return Err(at(format!("`{line}` belongs to no row; a row begins with `row <id>`")));
            }
        }
        file.end(&mut paragraph);
        Ok(file)
    }

    fn end(&mut self, paragraph: &mut Paragraph) {
        let paragraph = std::mem::take(paragraph);
        if (!paragraph.lines.is_empty() || paragraph.expected.is_some())
            && let Some(row) = self.rows.last_mut()
        {
            row.paragraphs.push(paragraph);
        }
    }
}

impl Row {
    /// `A05 since pr-5435 until pr-5436`, or `A05 under master+dispatchers.schedule_fence=any_sender`.
    fn parse(header: &str) -> Result<Row, String> {
        let mut words = header.split_whitespace();
        let id = words.next().ok_or("a row needs an id")?.to_owned();
        let (mut first, mut last, mut under) = (0, PRESETS.len() - 1, Vec::new());
        while let Some(word) = words.next() {
            let policy = words.next().ok_or_else(|| format!("`{word}` needs a policy behind it"))?;
            let preset = || {
                let place = PRESETS.iter().position(|preset| preset.name == policy);
                place.ok_or_else(|| {
                    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
                    format!("`{policy}` is no preset; there is {}", names.join(", "))
                })
            };
            match word {
                "since" => first = preset()?,
                "until" => last = preset()?,
                "under" => under.push(policy.to_owned()),
                _ => {
                    return Err(format!(
                        "`{word}` has no place here; `since`, `until` or `under` would be right"
                    ));
                }
            }
        }
        if under.is_empty() {
            let presets = PRESETS.get(first..=last).ok_or("`since` is later than `until`")?;
            under = presets.iter().map(|preset| preset.name.to_owned()).collect();
        }
        Ok(Row { id, header: header.to_owned(), policies: under, paragraphs: Vec::new() })
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            writeln!(f, "{line}")?;
        }
        for (n, row) in self.rows.iter().enumerate() {
            let gap = if n == 0 && self.head.is_empty() { "" } else { "\n" };
            writeln!(f, "{gap}row {}", row.header)?;
            for (m, paragraph) in row.paragraphs.iter().enumerate() {
                if m > 0 {
                    writeln!(f)?;
                }
                for (_, line) in &paragraph.lines {
                    writeln!(f, "{line}")?;
                }
                if let Some(expected) = &paragraph.expected {
                    writeln!(f, "{RULE}")?;
                    for line in expected {
                        writeln!(f, "{line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
