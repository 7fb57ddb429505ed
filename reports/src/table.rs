//! Tables: as aligned text, as Markdown, as CSV.

/// A heading and rows of as many cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The names of the columns.
    pub heading: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns of the same width, two spaces apart.
    pub fn text(&self) -> String {
        let lines = || std::iter::once(&self.heading).chain(&self.rows);
        let width = |column: usize| lines().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.heading.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<String>>().join("  ").trim_end().to_owned()
        };
        lines().map(line).collect::<Vec<String>>().join("\n")
    }

    /// As Markdown takes it.
    pub fn markdown(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |", cells.join(" | "))
        };
        let rule = format!("|{}", "---|".repeat(self.heading.len()));
        let rows = self.rows.iter().map(line);
        [line(&self.heading), rule].into_iter().chain(rows).collect::<Vec<String>>().join("\n")
    }

    /// Columns as rows; the first one is called so.
    pub fn transposed(&self, first: &str) -> Table {
        let lines = || std::iter::once(&self.heading).chain(&self.rows);
        let line = |column: usize| lines().map(|line| line[column].clone()).collect::<Vec<String>>();
        let mut heading = if self.heading.is_empty() { Vec::new() } else { line(0) };
        if let Some(corner) = heading.first_mut() {
            first.clone_into(corner);
        }
        Table { heading, rows: (1..self.heading.len()).map(line).collect() }
    }

    /// Comma-separated values (RFC 4180).
    pub fn csv(&self) -> String {
        let cell = |cell: &String| match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line = |cells: &Vec<String>| cells.iter().map(cell).collect::<Vec<String>>().join(",");
        std::iter::once(&self.heading).chain(&self.rows).map(line).collect::<Vec<String>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_three_ways() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let rows = vec![words(&["baseline", "6, of which 2 \"started\""]), words(&["a|b", "-"])];
        let table = Table { heading: words(&["policy", "delayed-create"]), rows };
        insta::assert_snapshot!(table.text(), @r#"
        policy    delayed-create
        baseline  6, of which 2 "started"
        a|b       -
        "#);
        insta::assert_snapshot!(table.markdown(), @r#"
        | policy | delayed-create |
        |---|---|
        | baseline | 6, of which 2 "started" |
        | a\|b | - |
        "#);
        insta::assert_snapshot!(table.csv(), @r#"
        policy,delayed-create
        baseline,"6, of which 2 ""started"""
        a|b,-
        "#);
        insta::assert_snapshot!(table.transposed("scenario").text(), @r#"
        scenario        baseline                 a|b
        delayed-create  6, of which 2 "started"  -
        "#);
    }
}
