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
    /// The line that begins it, and its number.
    pub number: usize,
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
    pub expected: Option<Expected>,
}

/// What stands below a rule.
#[derive(Default)]
pub struct Expected {
    /// The number of the rule.
    pub rule: usize,
    pub lines: Vec<String>,
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
            file.read(number, line.trim_end(), &mut paragraph)
                .map_err(|what| format!("{name}:{number}: {what}"))?;
        }
        file.end(&mut paragraph);
        for row in &file.rows {
            if row.paragraphs.iter().all(|paragraph| paragraph.expected.is_none()) {
                let (number, id) = (row.number, &row.id);
                return Err(format!(
                    "{name}:{number}: row {id} shows nothing; `{RULE}` and what is expected belong below its inputs"
                ));
            }
        }
        Ok(file)
    }

    fn read(&mut self, number: usize, line: &str, paragraph: &mut Paragraph) -> Result<(), String> {
        if let Some(header) = line.strip_prefix("row").filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            self.end(paragraph);
            self.rows.push(Row::parse(number, header)?);
        } else if line.is_empty() {
            self.end(paragraph);
        } else if line == RULE && paragraph.expected.is_some() {
            return Err("a paragraph has one rule; an empty line belongs before the next inputs".to_owned());
        } else if line == RULE && paragraph.lines.is_empty() {
            return Err("there is nothing above the rule; inputs belong there".to_owned());
        } else if line == RULE {
            paragraph.expected = Some(Expected { rule: number, lines: Vec::new() });
        } else if let Some(expected) = &mut paragraph.expected {
            expected.lines.push(line.to_owned());
        } else if !self.rows.is_empty() {
            paragraph.lines.push((number, line.to_owned()));
        } else if line.starts_with('#') {
            self.head.push(line.to_owned());
        } else {
            return Err(format!("`{line}` belongs to no row; a row begins with `row <id>`"));
        }
        Ok(())
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
    fn parse(number: usize, header: &str) -> Result<Row, String> {
        let mut words = header.split_whitespace();
        let id = words.next().ok_or("a row needs an id")?.to_owned();
        let (mut first, mut last, mut under) = (0, PRESETS.len() - 1, Vec::new());
        while let Some(word) = words.next() {
            if !["since", "until", "under"].contains(&word) {
                return Err(format!(
                    "`{word}` has no place here; `since`, `until` or `under` would be right"
                ));
            }
            let policy = words.next().ok_or_else(|| format!("`{word}` needs a policy behind it"))?;
            match word {
                "since" => first = preset(policy)?,
                "until" => last = preset(policy)?,
                _ => under.push(known(policy)?),
            }
        }
        if under.is_empty() {
            let presets = PRESETS.get(first..=last).ok_or("`since` is later than `until`")?;
            under = presets.iter().map(|preset| preset.name.to_owned()).collect();
        }
        let (header, paragraphs) = (header.trim().to_owned(), Vec::new());
        Ok(Row { id, number, header, policies: under, paragraphs })
    }
}

/// The place of a preset among all of them.
fn preset(name: &str) -> Result<usize, String> {
    let place = PRESETS.iter().position(|preset| preset.name == name);
    place.ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        format!("`{name}` is no preset; there is {}", names.join(", "))
    })
}

fn known(policy: &str) -> Result<String, String> {
    model::Policy::named(policy).map(|_| policy.to_owned()).map_err(|unknown| unknown.to_string())
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            writeln!(f, "{line}")?;
        }
        for (n, row) in self.rows.iter().enumerate() {
            let gap = if n == 0 && self.head.is_empty() { "" } else { "\n" };
            write!(f, "{gap}{row}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "row {}", self.header)?;
        for (n, paragraph) in self.paragraphs.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            for (_, line) in &paragraph.lines {
                writeln!(f, "{line}")?;
            }
            if let Some(expected) = &paragraph.expected {
                writeln!(f, "{RULE}")?;
                for line in &expected.lines {
                    writeln!(f, "{line}")?;
                }
            }
        }
        Ok(())
    }
}
