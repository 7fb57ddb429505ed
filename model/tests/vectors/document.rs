//! docs/vectors.md lists every message, every thread and every verb.

use std::{collections::BTreeSet, env, fs, path::Path};

use model::{coordinator, dispatchers, etcd, maintainer, messages, node, pd, sink};

use crate::verbs::VERBS;

/// Under this line the document is written by the test.
const WRITTEN: &str =
    "<!-- What follows is written by `UPDATE_DOCS=1 cargo test -p model --test vectors`. -->";

#[test]
fn the_document_lists_every_message() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors.md");
    let document = fs::read_to_string(&path).expect("it is there");
    let (introduction, _) = document.split_once(WRITTEN).expect("it has an introduction");
    let real = format!("{introduction}{WRITTEN}\n{}", messages());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &real).expect("a document can be written");
    } else {
        let same = document == real;
        assert!(same, "UPDATE_DOCS=1 cargo test -p model --test vectors lists the messages there are now");
    }
    for verb in VERBS {
        assert!(introduction.contains(&format!("| `{verb}`")), "docs/vectors.md does not tell of `{verb}`");
    }
    for name in types(&messages()) {
        let explained = real.contains(&format!("\n| {name}")) || real.contains(&format!("\n- {name}: "));
        assert!(explained, "docs/vectors.md does not tell how a {name} is written");
    }
}

/// The types that forms name.
fn types(forms: &str) -> BTreeSet<&str> {
    let words = forms.split(|letter: char| !letter.is_alphanumeric());
    let fields = forms.split(": ").skip(1).filter_map(|rest| rest.split([';', '`', '\n']).next());
    let named = |word: &str| fields.clone().any(|field| field.split(['<', '>', ',']).any(|one| one == word));
    words.filter(|word| word.starts_with(char::is_uppercase) && *word != "Box" && named(word)).collect()
}

fn messages() -> String {
    let parties = [
        ("Dispatchers", dispatchers::Inbox::FORMS),
        ("Maintainers", maintainer::Inbox::FORMS),
        ("Coordinator", coordinator::Inbox::FORMS),
        ("Server", node::Inbox::FORMS),
        ("Messages", messages::Inbox::FORMS),
        ("Whoever asked the downstream", sink::Reply::FORMS),
        ("Whoever asked PD", pd::Reply::FORMS),
    ];
    let structs = [
        ("ScheduleRequest", dispatchers::ScheduleRequest::FORM),
        ("MergeRequest", dispatchers::MergeRequest::FORM),
        ("BootstrapResponse", dispatchers::BootstrapResponse::FORM),
        ("ReportedSpan", dispatchers::ReportedSpan::FORM),
        ("Heartbeat", dispatchers::Heartbeat::FORM),
        ("Watermark", dispatchers::Watermark::FORM),
        ("DispatcherStatus", dispatchers::DispatcherStatus::FORM),
        ("DrainOrder", coordinator::DrainOrder::FORM),
        ("DrainProgress", coordinator::DrainProgress::FORM),
        ("BlockStatus", dispatchers::BlockStatus::FORM),
        ("BlockState", dispatchers::BlockState::FORM),
        ("BlockAnswer", dispatchers::BlockAnswer::FORM),
        ("EventKey", dispatchers::EventKey::FORM),
        ("Recovery", sink::Recovery::FORM),
        ("MaintainerStatus", coordinator::MaintainerStatus::FORM),
    ];
    let mut text = String::new();
    for (party, forms) in parties {
        text += &format!("\n### {party}\n\n");
        text.extend(forms.iter().map(|form| format!("- `{}`\n", form.trim_end_matches(';'))));
    }
    text += "\n### Commands\n\n";
    let commands = [
        ("etcd", etcd::Command::FORMS),
        ("sink", sink::Command::FORMS),
        ("n1/coordinator", coordinator::Command::FORMS),
        ("n1/server", node::Command::FORMS),
        ("n1/maintainers", maintainer::Command::FORMS),
    ];
    for (service, forms) in commands {
        text.extend(forms.iter().map(|form| format!("- {service}: `{}`\n", form.trim_end_matches(';'))));
    }
    let threads = [
        ("dispatchers", dispatchers::Timer::FORMS),
        ("maintainers", maintainer::Timer::FORMS),
        ("coordinator", coordinator::Timer::FORMS),
        ("server", node::Timer::FORMS),
        ("messages", messages::Timer::FORMS),
    ];
    text += "\n### Threads\n\n";
    for (party, forms) in threads {
        let names: Vec<&str> = forms.iter().filter_map(|form| form.split(' ').next()).collect();
        text += &format!("- {party}: `{}`\n", names.join("`, `"));
    }
    text += "\n### Structs\n\n";
    text.extend(structs.iter().map(|(name, form)| format!("- {name}: `{}`\n", form.trim_end_matches("; "))));
    text
}
