//! `cdcsim invariants`, and the page of the documents that it writes.

use std::{env, fs, path::Path};

use crate::support::cdcsim;

/// Where the generated parts of the page begin and end.
const LIST: (&str, &str) =
    ("<!-- cdcsim invariants --format markdown -->\n", "<!-- the end of the list -->\n");
const FIRES: (&str, &str) =
    ("<!-- cdcsim invariants --fires --format markdown -->\n", "<!-- the end of the table -->\n");

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/invariants.md");
    fs::read_to_string(page).expect("it is there")
}

fn part<'a>(page: &'a str, (begin, end): (&str, &str)) -> &'a str {
    let from = page.find(begin).expect("it begins") + begin.len();
    &page[from..from + page[from..].find(end).expect("it ends")]
}

/// `UPDATE_DOCS=1` writes the list anew.
#[test]
fn the_list_of_the_page_is_what_the_program_prints() {
    let page = page();
    let (written, printed) = (part(&page, LIST), cdcsim("invariants --format markdown").stdout.clone());
    if env::var_os("UPDATE_DOCS").is_some() && written.trim() != printed.trim() {
        let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/invariants.md");
        let from = page.find(LIST.0).expect("it begins") + LIST.0.len();
        let page = format!("{}\n{}\n\n{}", &page[..from], printed.trim(), &page[from + written.len()..]);
        // Another test may read the page now: it sees the old one or the new one.
        let new = to.with_extension("new");
        fs::write(&new, page).expect("it can be written");
        fs::rename(new, to).expect("it can be put in its place");
    } else {
        assert_eq!(written.trim(), printed.trim(), "UPDATE_DOCS=1 cargo test -p cli --test it invariants");
    }
}

/// The table has a row for each thing that is reported separately, and every invariant fires somewhere. Who wants to see it all
/// again runs the command in front of it.
#[test]
fn the_table_of_the_page_names_every_aspect() {
    let page = page();
    let table = part(&page, FIRES);
    for one in scenarios::invariants::ALL {
        let rows = |aspect: &str| {
            table.lines().filter(|line| line.starts_with(&format!("| {} | {aspect} |", one.name))).count()
        };
        for (aspect, _) in one.aspects {
            assert_eq!(rows(aspect), 1, "{} ({aspect})", one.name);
        }
        let its = |line: &&str| line.starts_with(&format!("| {} |", one.name)) && !line.contains("| none |");
        assert!(table.lines().any(|line| its(&line)), "{} fires nowhere", one.name);
    }
}

#[test]
fn one_invariant_by_itself() {
    insta::assert_snapshot!(cdcsim("invariants one_operator").stdout, @"
    one_operator  a dispatcher has at most one operator, a changefeed at most one at its coordinator, and each ends once
      for #3667, #3668, #4077, #4543
      - two: an operator began while another one for the same dispatcher or changefeed was there
      - twice: an operator took its last action more than once
    ");
    insta::assert_snapshot!(cdcsim("invariants one_operator --format json").stdout, @r##"
    {
      "schema": "cdcsim.invariants/1",
      "invariants": [
        {
          "name": "one_operator",
          "promise": "a dispatcher has at most one operator, a changefeed at most one at its coordinator, and each ends once",
          "bugs": [
            "#3667",
            "#3668",
            "#4077",
            "#4543"
          ],
          "aspects": [
            {
              "name": "two",
              "meaning": "an operator began while another one for the same dispatcher or changefeed was there"
            },
            {
              "name": "twice",
              "meaning": "an operator took its last action more than once"
            }
          ]
        }
      ]
    }
    "##);
    let fires = cdcsim("invariants no_lock_forever --fires --seeds 0..8 --format json").stdout.clone();
    assert!(fires.contains("\"fires\": {"), "{fires}");
}
