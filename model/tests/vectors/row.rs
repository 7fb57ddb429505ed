//! Running a row: a party is set up and told things, and what it says is compared.

use crate::{
    file::{Expected, NOTHING, Paragraph, Row},
    hand::Hand,
    verbs,
};

/// What is to be done with what a row leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is compared with what is expected.
    Compare,
    /// It is written down, as it is under the first policy.
    Update,
}

impl Row {
    /// Runs the row under each of its policies; what is wrong.
    pub fn run(&mut self, file: &str, purpose: Purpose) -> Vec<String> {
        let mut complaints = Vec::new();
        for (n, policy) in self.policies.iter().enumerate() {
            let purpose = if n == 0 { purpose } else { Purpose::Compare };
            if let Err((number, what)) = play(policy, &mut self.paragraphs, purpose) {
                complaints.push(format!("{file}:{number}: row {} under {policy}: {what}", self.id));
            }
        }
        complaints
    }
}

/// What is wrong, and in which line.
type Wrong = (usize, String);

fn play(policy: &str, paragraphs: &mut [Paragraph], purpose: Purpose) -> Result<(), Wrong> {
    let mut hand: Option<Hand> = None;
    for paragraph in paragraphs {
        let mut said = String::new();
        for (number, line) in &paragraph.lines {
            if !line.starts_with('#') {
                said += &verbs::obey(policy, line, &mut hand).map_err(|what| (*number, what))?;
            }
        }
        let Some(expected) = &mut paragraph.expected else { continue };
        let mut real: Vec<String> = said.lines().map(|line| line.trim_end().to_owned()).collect();
        if real.is_empty() {
            real.push(NOTHING.to_owned());
        }
        match purpose {
            Purpose::Update => expected.lines = real,
            Purpose::Compare => expected.compare(&real)?,
        }
    }
    Ok(())
}

impl Expected {
    /// Points at the first line that is another one.
    fn compare(&self, real: &[String]) -> Result<(), Wrong> {
        if self.lines == real {
            return Ok(());
        }
        let same = self.lines.iter().zip(real).take_while(|(expected, real)| expected == real).count();
        let lines: String =
            difference(&self.lines, real).iter().map(|line| format!("\n    {line}")).collect();
        Err((self.rule + 1 + same, format!("what is marked - is expected, what is marked + happens{lines}")))
    }
}

/// Both texts in one, with as many lines as possible in common.
fn difference(expected: &[String], real: &[String]) -> Vec<String> {
    // How many lines what is left of both has in common.
    let mut common = vec![vec![0; real.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..real.len()).rev() {
            let skipping = common[i + 1][j].max(common[i][j + 1]);
            common[i][j] = if expected[i] == real[j] { common[i + 1][j + 1] + 1 } else { skipping };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < expected.len() || j < real.len() {
        if i < expected.len() && j < real.len() && expected[i] == real[j] {
            lines.push(format!("  {}", real[j]));
            (i, j) = (i + 1, j + 1);
        } else if j == real.len() || i < expected.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(format!("- {}", expected[i]));
            i += 1;
        } else {
            lines.push(format!("+ {}", real[j]));
            j += 1;
        }
    }
    lines
}
